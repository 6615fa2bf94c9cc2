//! `relinc eval`

mod shown;

use super::Global;
use crate::compile::read_masks;
use crate::error::{Error, Result, input};
use crate::folder::{Folder, Inputs, Single, SingleKind, unwritable};
use crate::images::Images;
use crate::model::Model;
use crate::options::ModelOptions;
use crate::progress::Progress;
use crate::training::guard::guarded;
use relinc_passes::driver::valid;
use relinc_passes::files::create_atomically;
use relinc_passes::free_batch::free_batch;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks;
use relinc_passes::npy::write_npy;
use relinc_runtime::attack::{Adversary, Auto};
use relinc_runtime::corrupt::{self, Corruption};
use relinc_runtime::data::{CorruptedFolder, DataSpec, Dataset, Kind, Split};
use relinc_runtime::device;
use relinc_runtime::eval::attacked::{Adversarial, Target};
use relinc_runtime::eval::corrupted::{Corrupted, Source, corrupted};
use relinc_runtime::eval::emulated::{Emulated, emulated};
use relinc_runtime::eval::{self, Clean};
use relinc_runtime::exec::Precision;
use relinc_runtime::fixed::{Format, Settings, Truncation, Unknown};
use std::path::{Path, PathBuf};

/// Images under corruptions and attacks, unless `--limit` says.
const HARDER: usize = 1000;
/// The contact sheet.
const SHEET: &str = "corruptions.png";
/// Pixels that an image on the contact sheet has on a side, or more where it is larger.
const CELL: usize = 96;

/// Options of `relinc eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: DataSpec,
    /// The part of the data
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many images [default: all, and 1000 under corruptions and attacks]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Accuracy under 15 corruptions in 5 severities, drawn here or read from a folder in CIFAR-10-C's layout
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    corruptions: Option<Option<PathBuf>>,
    /// Accuracy under an attack, pgd:steps=20,eps=8/255,step=2/255 or auto:eps=8/255 (AutoAttack) for instance; may be repeated
    #[arg(long = "attack", value_name = "ATTACK")]
    attacks: Vec<Adversary>,
    /// What attacks compute in: f32, bf16, f16 (cards alone), or auto, the fastest on this device. All other accuracies are those in f32
    #[arg(long, value_name = "KIND", requires = "attacks", default_value = "f32")]
    precision: String,
    /// Attack the network in fixed point as well, on RING,FRACTION bits: by the images that AutoAttack found, and by Square
    #[arg(long, value_name = "RING,FRACTION", requires = "attacks", conflicts_with = "masks")]
    fixed_point: Option<Format>,
    /// Images that are attacked in fixed point
    #[arg(long, value_name = "N", default_value_t = 50, requires = "fixed_point")]
    emulated: usize,
    /// Queries of Square for an image in fixed point
    #[arg(long, value_name = "N", default_value_t = 200, requires = "fixed_point")]
    fixed_queries: usize,
    /// Write DIR/corruptions.png: every corruption in every severity, to look at
    #[arg(long, value_name = "DIR")]
    save_images: Option<PathBuf>,
    /// Masks to put on the model's ReLUs (dense, as training sees them)
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    /// Write the network inputs as an .npy file
    #[arg(long, value_name = "FILE")]
    save_inputs: Option<PathBuf>,
    /// Write the outputs as an .npy file
    #[arg(long, value_name = "FILE")]
    save_outputs: Option<PathBuf>,
    #[command(flatten)]
    import: ModelOptions,
}

/// What was found, as far as it was asked for.
#[derive(Debug)]
struct Found {
    clean: Clean,
    corrupted: Option<Corrupted>,
    attacked: Vec<(Adversary, Adversarial)>,
    /// What attacks computed in.
    precision: Precision,
    /// Of AutoAttack, what stands in fixed point.
    emulated: Option<Emulated>,
    /// Names by label.
    classes: Vec<String>,
    /// What was assumed of the model and the images.
    notes: Vec<String>,
    /// What explains that few of them are right.
    doubt: Option<String>,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if a.limit == Some(0) {
        return Err(input("--limit 0 leaves no image; give at least 1"));
    }
    a.check_folder()?;
    a.check_fixed()?;
    let precision = Precision::asked(&a.precision).map_err(input)?;
    let progress = g.progress();
    let mut sheet = a.sheet(&progress)?;
    let _saved = a.saved(&progress)?;
    let mut m = Model::load(&a.model, &a.import.import(Some(&a.data)))?;
    let images = Images::labelled(&a.data, &m.graph, &a.model)?;
    let masks = a.masks.as_ref().map(|file| read_masks(file, &m)).transpose()?;
    let folder = match &a.corruptions {
        Some(Some(dir)) => Some(CorruptedFolder::open(dir, &images.spec).map_err(input)?),
        Some(None) | None => None,
    };
    images.announce(&progress);
    let ds = images.open(a.split, a.limit)?;
    ds.notices().iter().for_each(|n| progress.line(n));
    let target = match a.attacks[..] {
        [] => None,
        _ => {
            let chosen = device::choose(&g.device()).map_err(input)?;
            progress.line(&chosen.said);
            let target =
                Target::new(&m.graph, masks.as_ref(), &ds, chosen.first()).map_err(|e| a.named(e))?;
            let precision = precision.unwrap_or_else(|| Precision::fastest(target.device()));
            Some(target.in_precision(precision).map_err(input)?)
        }
    };
    if let Some(masks) = &masks {
        m.graph = masks::apply(&m.graph, masks).map_err(|e| a.named(e.to_string()))?;
    }
    if let Some(folder) = &mut sheet {
        let staging = folder.stage()?;
        contact_sheet(staging.path(), &a.data, &ds, g.seed()).map_err(|e| staging.named(e))?;
        folder.amend(staging)?;
    }
    drop(sheet);
    let clean = a.clean(&m, &ds, &progress)?;
    let doubt = images.doubt(&m.graph, &ds, clean.clean, &progress)?;
    let n = a.limit.unwrap_or(HARDER);
    let corrupted = match &a.corruptions {
        None => None,
        Some(_) => {
            let drawn = Source::Drawn { images: &ds, seed: g.seed() };
            let source = folder.as_ref().map_or(drawn, Source::Folder);
            Some(a.corrupted(&m.graph, source, n.min(source.images()), &progress)?)
        }
    };
    let (mut attacked, mut fixed) = (vec![], None);
    for (attack, target) in a.attacks.iter().filter_map(|attack| Some((attack, target.as_ref()?))) {
        let label = attack.to_string();
        let tell = &mut |told| progress.attack(&label, told);
        let left = || target.accuracy(&ds, n, attack, g.seed(), tell).map_err(|e| a.named(e));
        let found = guarded(target.device(), left)?;
        if let (Some(format), Adversary::Auto(auto)) = (a.fixed_point, attack) {
            fixed = Some(a.in_fixed_point(&m, &ds, (format, g.seed()), (target, auto, &found), &progress)?);
        }
        attacked.push((*attack, found));
    }
    progress.finish();
    let mut notes = [m.notices, images.catalogue.notices, ds.notices().to_vec()].concat();
    notes.extend(attacked.iter().flat_map(|(_, r)| r.notes.clone()));
    notes.extend(weaker(&attacked));
    let emulated = fixed;
    let (precision, classes) = (target.map_or(Precision::F32, |t| t.precision()), images.catalogue.classes);
    let found = Found { clean, corrupted, attacked, precision, emulated, classes, notes, doubt };
    g.show(&shown::json(&a, &found), shown::text(&a, &found, g.seed()))
}

impl Args {
    fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.model("the model", &self.model);
        self.masks.iter().for_each(|m| inputs.file("the masks", m));
        self.corruptions.iter().flatten().for_each(|dir| inputs.folder("the corrupted images", dir));
        inputs.data(&self.data);
        inputs
    }

    /// The folder of the contact sheet.
    fn sheet(&self, progress: &Progress) -> Result<Option<Folder>> {
        let Some(dir) = &self.save_images else { return Ok(None) };
        let mut folder = Folder::open(dir, "eval", "eval", progress)?;
        folder.claim(&self.inputs(), &[SHEET.into()], &[])?;
        Ok(Some(folder))
    }

    /// The files that inputs and outputs are saved in.
    fn saved(&self, progress: &Progress) -> Result<Vec<Single>> {
        let named = [("--save-inputs", &self.save_inputs), ("--save-outputs", &self.save_outputs)];
        let inputs = self.inputs();
        if self.save_inputs.is_some() && self.save_inputs == self.save_outputs {
            return Err(input("--save-inputs and --save-outputs name one file; give each its own"));
        }
        let given = named.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)));
        given.map(|(option, path)| Single::new(option, path, SingleKind::Array, &inputs, progress)).collect()
    }

    /// An error about the model.
    fn named(&self, e: String) -> Error {
        input(format!("{}: {e}", self.model.display()))
    }

    /// Finds what a folder of `--corruptions=DIR` cannot be asked for.
    fn check_folder(&self) -> Result<()> {
        let Some(Some(dir)) = &self.corruptions else { return Ok(()) };
        let shown = dir.display();
        if self.save_images.is_some() {
            return Err(input(format!(
                "--save-images shows the corruptions that relinc draws, not those of {shown}; leave one out"
            )));
        }
        match self.data.kind() {
            _ if self.split != Split::Test => Err(input(format!(
                "{shown} holds corrupted test images; --split {} has none",
                self.split.name()
            ))),
            Kind::Cifar10 | Kind::Cifar100 => Ok(()),
            kind => Err(input(format!(
                "{shown}: corrupted images are read for cifar10 and cifar100; for {kind} they are drawn: --corruptions"
            ))),
        }
    }

    /// Finds what `--fixed-point` cannot be asked with.
    fn check_fixed(&self) -> Result<()> {
        if self.fixed_point.is_none() {
            return Ok(());
        }
        let autos = self.attacks.iter().filter(|a| matches!(a, Adversary::Auto(_))).count();
        match autos {
            1 if self.emulated > 0 && self.fixed_queries > 0 => Ok(()),
            1 => Err(input("--emulated and --fixed-queries must be at least 1")),
            _ => Err(input("--fixed-point goes with one --attack auto:eps=…")),
        }
    }

    /// Attacks the network in fixed point with what was found in single precision, and with Square.
    fn in_fixed_point(
        &self,
        m: &Model,
        ds: &Dataset,
        (format, seed): (Format, u64),
        (target, auto, found): (&Target, &Auto, &Adversarial),
        progress: &Progress,
    ) -> Result<Emulated> {
        let valid = valid::check(&m.graph).map_err(|e| self.named(e[0].to_string()))?;
        let settings = Settings {
            format,
            truncation: Truncation::default(),
            seed,
            headroom: 0.0,
            unknown: Unknown::Refuse,
        };
        let images = target.images(ds, self.emulated.min(found.n));
        let auto = Auto { queries: self.fixed_queries, ..*auto };
        let tell = &mut |what: &'static str, i, n| progress.count(what, i, n);
        let shown = emulated(&valid, &settings, target, (&images, &found.found), &auto, tell);
        progress.finish();
        shown.map_err(|e| self.named(e))
    }

    fn clean(&self, m: &Model, ds: &Dataset, progress: &Progress) -> Result<Clean> {
        let n = self.limit.unwrap_or(ds.len());
        let (mut outputs, mut shape, mut failed) = (vec![], vec![], None);
        let mut keep = |logits: &Tensor| {
            if self.save_outputs.is_some() {
                match m.head.apply(logits) {
                    Ok(y) => {
                        outputs.extend_from_slice(y.as_f32().unwrap_or_default());
                        shape = y.shape().to_vec();
                    }
                    Err(e) => failed = Some(e),
                }
            }
        };
        let tell = &mut |i, n| progress.count("images", i, n);
        let found = eval::clean_watched(&m.graph, ds, n, tell, &mut keep);
        progress.finish();
        let r = found.and_then(|r| failed.map_or(Ok(r), Err)).map_err(|e| self.named(e))?;
        if let Some(d) = shape.first_mut() {
            *d = r.n;
        }
        self.save(m, ds, (shape, outputs), r.n)?;
        Ok(r)
    }

    fn corrupted(&self, g: &Graph, from: Source<'_>, n: usize, p: &Progress) -> Result<Corrupted> {
        // A batch that cannot be made free is kept; it takes longer.
        let free = free_batch(g);
        let found = corrupted(free.as_ref().unwrap_or(g), from, n, &mut |i, n| p.count("corruptions", i, n));
        p.finish();
        found.map_err(|e| self.named(e))
    }

    /// Writes what the network was given and what it answered.
    fn save(
        &self,
        m: &Model,
        ds: &Dataset,
        (shape, outputs): (Vec<usize>, Vec<f32>),
        n: usize,
    ) -> Result<()> {
        let write = |path: &PathBuf, t: &Tensor| {
            create_atomically(path, |w| write_npy(w, t)).map_err(|e| unwritable(path, &e))
        };
        if let Some(path) = &self.save_inputs {
            let layout = m.graph.only_input().and_then(|(_, ty)| eval::layout(ty, ds.image_shape()));
            write(path, &eval::feed(ds, 0..n, layout.map_err(|e| self.named(e))?).0)?;
        }
        match &self.save_outputs {
            Some(path) => write(path, &Tensor::f32(shape, outputs)),
            None => Ok(()),
        }
    }
}

/// Attacks that leave more standing than weaker ones, in words: gradients that mislead look like robustness.
fn weaker(attacked: &[(Adversary, Adversarial)]) -> Vec<String> {
    let effort = |a: &Adversary| match a {
        Adversary::Gradient(a) => a.steps * a.restarts,
        Adversary::Auto(_) => usize::MAX,
    };
    let mut notes = vec![];
    for (strong, s) in attacked {
        for (weak, w) in attacked {
            // One image is no sign.
            let margin = 100.0 * (1.0 / s.n.max(1) as f64).max(0.002);
            if strong.epsilon() >= weak.epsilon()
                && effort(strong) > effort(weak)
                && s.accuracy > w.accuracy + margin + 1e-9
            {
                notes.push(format!(
                    "gradient masking: {strong} leaves {:.2} % standing, the weaker {weak} {:.2} %; trust neither, and try --attack auto",
                    s.accuracy, w.accuracy
                ));
            }
        }
    }
    notes
}

/// Writes `DIR/corruptions.png` of the first images, one for each corruption.
fn contact_sheet(dir: &Path, data: &DataSpec, ds: &Dataset, seed: u64) -> Result<()> {
    let images: Vec<u8> =
        (0..ds.len().min(Corruption::ALL.len())).flat_map(|i| ds.pixels(i)).copied().collect();
    let zoom = (CELL / ds.image_shape()[2].max(1)).max(1);
    let (width, height, pixels) = corrupt::contact_sheet(&images, ds.image_shape(), zoom, seed)
        .map_err(|e| input(format!("{data}: {e}")))?;
    let path = dir.join(SHEET);
    create_atomically(&path, |w| {
        let side = |n: usize| u32::try_from(n).map_err(std::io::Error::other);
        let mut e = png::Encoder::new(w, side(width)?, side(height)?);
        e.set_color(png::ColorType::Rgb);
        e.set_depth(png::BitDepth::Eight);
        Ok(e.write_header()?.write_image_data(&pixels)?)
    })
    .map_err(|e| unwritable(&path, &e))
}
