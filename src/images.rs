//! Whether a data set fits a network, known before an image is read; and what a low accuracy is explained by afterwards.

use crate::error::{Error, Result, input};
use crate::progress::Progress;
use relinc_passes::ir::{Graph, Type};
use relinc_runtime::data::{Catalogue, DataSpec, Dataset, Kind, Split, known_set, short};
use relinc_runtime::eval::doubt::{Changes, explain, is_low};
use relinc_runtime::eval::{channels, classes, layout};
use std::path::{Path, PathBuf};

/// A data set that fits a network.
#[derive(Debug, Clone)]
pub struct Images {
    /// It, in the channels that the network takes.
    pub spec: DataSpec,
    /// What is known of it.
    pub catalogue: Catalogue,
    /// The network's file, for messages.
    file: PathBuf,
    /// The network's input.
    input: Type,
}

impl Images {
    /// The images of `spec` as the network of `file` takes them.
    ///
    /// # Errors
    /// An input that takes no images of that size or of any channels; a data set that is not there or is arranged otherwise.
    pub fn of(spec: &DataSpec, g: &Graph, file: &Path) -> Result<Images> {
        let named = |e: String| input(format!("{}: {e}", file.display()));
        let (_, ty) = g.only_input().map_err(named)?;
        let wanted = channels(ty).map_err(named)?;
        let spec = spec.clone().with_channels(wanted).map_err(input)?;
        let mut catalogue = spec.catalogue().map_err(input)?;
        catalogue.notices.extend(match (catalogue.channels, wanted) {
            (Some(1), 3) => Some(
                "The images are grey and the model takes three channels: each gets the same pixels.".into(),
            ),
            (Some(3), 1) => Some("The model takes one channel: of colours it gets the luma.".into()),
            (None, 1) => Some("The model takes one channel: of coloured images it gets the luma.".into()),
            _ => None,
        });
        let images = Images { spec, catalogue, file: file.into(), input: ty.clone() };
        match images.catalogue.size {
            Some([h, w]) => images.fit([wanted, h, w]).map(|()| images),
            None => Ok(images),
        }
    }

    /// As [`Images::of`], and the labels are the classes of the network.
    ///
    /// # Errors
    /// Also for another number of classes.
    pub fn labelled(spec: &DataSpec, g: &Graph, file: &Path) -> Result<Images> {
        let images = Images::of(spec, g, file)?;
        let fits = classes(g).and_then(|wanted| images.check_classes(wanted));
        fits.map_err(|e| images.named(e))?;
        Ok(images)
    }

    /// Reads a split, the first `limit` images of it.
    ///
    /// # Errors
    /// Of reading, and for images of another size than the network takes.
    pub fn open(&self, split: Split, limit: Option<usize>) -> Result<Dataset> {
        let ds = self.spec.open(split, limit).map_err(input)?;
        self.fit(ds.image_shape())?;
        Ok(ds)
    }

    /// Prints the labels and what was assumed.
    pub fn announce(&self, progress: &Progress) {
        progress.line(&format!("classes: {}", short(&self.catalogue.classes)));
        self.catalogue.notices.iter().for_each(|n| progress.line(n));
    }

    /// Whether the network takes images of C×H×W.
    fn fit(&self, image: [usize; 3]) -> Result<()> {
        let resize = match self.spec.kind() {
            Kind::Images | Kind::TinyImagenet | Kind::Mnist => "; size=N in the data spec resizes them",
            Kind::Cifar10 | Kind::Cifar100 | Kind::Shapes => "",
        };
        layout(&self.input, image).map(drop).map_err(|e| self.named(format!("{e}{resize}")))
    }

    /// An error about the network.
    fn named(&self, e: String) -> Error {
        input(format!("{}: {e}", self.file.display()))
    }

    /// Compares the number of classes with that of a model's outputs.
    fn check_classes(&self, wanted: usize) -> Result<(), String> {
        let found = &self.catalogue.classes;
        if found.len() == wanted {
            return Ok(());
        }
        let folders = matches!(self.spec.kind(), Kind::Images);
        let advice = match found.len() < wanted {
            true if folders => {
                let known = known_set(found)
                    .filter(|(_, classes)| *classes == wanted)
                    .map(|(name, _)| format!(", here perhaps classes={name}"))
                    .unwrap_or_default();
                format!(
                    "so labels would not be the model's classes. List all {wanted} in the order of its outputs, also those without \
                     images: classes=a,b,… or classes=FILE{known}"
                )
            }
            true => format!(
                "so labels would not be the model's classes. Give the data set it was trained on, or list all {wanted} in the \
                 order of its outputs: classes=a,b,… or classes=FILE"
            ),
            false => format!(
                "so some labels have no output. Give the data set it was trained on, or list the {wanted} classes in the order of \
                 its outputs, and the others are left out: classes=a,b,… or classes=FILE"
            ),
        };
        let count =
            |n: usize, one: &str, many: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {many}") };
        Err(format!(
            "data {}: {} ({}), but the model has {}, {advice}",
            self.spec,
            count(found.len(), "class", "classes"),
            short(found),
            count(wanted, "output", "outputs"),
        ))
    }

    /// An explanation of a low accuracy in percent, and what to write; `None` for one that is not low or has none.
    ///
    /// # Errors
    /// A network that does not run on these images.
    pub fn doubt(
        &self,
        g: &Graph,
        ds: &Dataset,
        accuracy: f64,
        progress: &Progress,
    ) -> Result<Option<String>> {
        if !is_low(accuracy, self.catalogue.classes.len()) {
            return Ok(None);
        }
        progress.step("few images are right: trying other normalisations");
        let Some(e) = explain(g, ds, &self.catalogue.orders).map_err(|e| self.named(e))? else {
            return Ok(None);
        };
        let (replaced, why): (&[&str], _) = match e.changes {
            Changes::Normalization => {
                (&["normalize", "scale"], "the model seems to have been trained on images normalised so")
            }
            Changes::Labels => (&["classes"], "the model seems to number its classes so"),
        };
        let text = self.spec.text_with(&e.option, replaced);
        let alike: Vec<String> =
            e.alike.iter().map(|(option, percent)| format!("?{option} ({percent:.1} %)")).collect();
        let alike = match &alike[..] {
            [] => String::new(),
            all => format!(
                " These images do not tell it from {}: take what it was trained with.",
                all.join(" and ")
            ),
        };
        Ok(Some(format!(
            "With ?{} {:.1} % of {} images are right instead of {:.1} %: {why}. Write data {text}{}{alike}",
            e.option,
            e.then,
            e.n,
            e.now,
            if alike.is_empty() { "" } else { "." },
        )))
    }
}
