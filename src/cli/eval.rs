//! `relinc eval`

mod shown;

use super::args::ImportArgs;
use super::{Global, print, print_json};
use crate::compile::read_masks;
use crate::error::{Error, input};
use crate::model::Model;
use crate::progress::Progress;
use crate::training::guard::guarded;
use relinc_passes::files::create_atomically;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks::{self, Masks};
use relinc_passes::npy::write_npy;
use relinc_passes::pass::Options;
use relinc_runtime::attack::Attack;
use relinc_runtime::corrupt::{self, Corruption};
use relinc_runtime::data::{CorruptedFolder, DataSpec, Dataset, Kind, Split};
use relinc_runtime::device;
use relinc_runtime::eval::attacked::{Adversarial, Target};
use relinc_runtime::eval::corrupted::{Corrupted, Source, corrupted};
use relinc_runtime::eval::{self, Clean};
use relinc_runtime::exec::free_batch;
use std::path::{Path, PathBuf};

/// Images under corruptions and attacks, unless `--limit` says.
const HARDER: usize = 1000;
/// Pixels that an image on the contact sheet has on a side, or more where it is larger.
const CELL: usize = 96;

/// Options of `relinc eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, shapes, …
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
    /// Accuracy under an attack, pgd:steps=20,eps=8/255,step=2/255 for instance; may be repeated
    #[arg(long = "attack", value_name = "ATTACK")]
    attacks: Vec<Attack>,
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
    import: ImportArgs,
}

/// What was found, as far as it was asked for.
#[derive(Debug)]
struct Found {
    clean: Clean,
    corrupted: Option<Corrupted>,
    attacked: Vec<(Attack, Adversarial)>,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.limit == Some(0) {
        return Err(Error::Input("--limit 0 leaves no image; give at least 1".into()));
    }
    let folder = a.folder()?;
    let progress = g.progress();
    let mut m = Model::load(&a.model, &a.import.options()?, &Options::default(), None)?;
    let masks = a.masks.as_ref().map(|file| read_masks(file, &m)).transpose()?;
    let ds = a.data.open(a.split, a.limit).map_err(input)?;
    let target = match a.attacks[..] {
        [] => None,
        _ => {
            let chosen = device::choose(&g.device()).map_err(Error::Input)?;
            progress.line(&chosen.said);
            Some(Target::new(&m.graph, masks.as_ref(), &ds, chosen.first()).map_err(|e| a.named(e))?)
        }
    };
    a.put_on(masks, &mut m)?;
    if let Some(dir) = &a.save_images {
        contact_sheet(dir, &a.data, &ds, g.seed())?;
    }
    let clean = a.clean(&m, &ds, &progress)?;
    let n = a.limit.unwrap_or(HARDER);
    let corrupted = match &a.corruptions {
        None => None,
        Some(_) => {
            let drawn = Source::Drawn { images: &ds, seed: g.seed() };
            let source = folder.as_ref().map_or(drawn, Source::Folder);
            Some(a.corrupted(&m.graph, source, n.min(source.images()), &progress)?)
        }
    };
    let mut attacked = vec![];
    for (attack, target) in a.attacks.iter().filter_map(|attack| Some((attack, target.as_ref()?))) {
        let label = attack.to_string();
        let tell = &mut |i, n| progress.count(&label, i, n);
        let left = || target.accuracy(&ds, n, attack, g.seed(), tell).map_err(|e| a.named(e));
        attacked.push((*attack, guarded(target.device(), left)?));
    }
    progress.finish();
    let found = Found { clean, corrupted, attacked };
    if g.json {
        return print_json(&shown::json(&a, &found));
    }
    print(&shown::text(&a, &found, g.seed()));
    Ok(())
}

impl Args {
    /// An error about the model.
    fn named(&self, e: String) -> Error {
        Error::Input(format!("{}: {e}", self.model.display()))
    }

    /// The folder of `--corruptions=DIR`, where its images can stand for those of `--data`.
    fn folder(&self) -> Result<Option<CorruptedFolder>, Error> {
        let Some(Some(dir)) = &self.corruptions else { return Ok(None) };
        let shown = dir.display();
        if self.save_images.is_some() {
            return Err(Error::Input(format!(
                "--save-images shows the corruptions that relinc draws, not those of {shown}; leave one out"
            )));
        }
        match self.data.kind() {
            _ if self.split != Split::Test => Err(Error::Input(format!(
                "{shown} holds corrupted test images; --split {} has none",
                self.split.name()
            ))),
            kind @ (Kind::Cifar10 | Kind::Cifar100) => {
                CorruptedFolder::open(dir, kind, self.data.normalize()).map(Some).map_err(input)
            }
            kind => Err(Error::Input(format!(
                "{shown}: corrupted images are read for cifar10 and cifar100; for {kind} they are drawn: --corruptions"
            ))),
        }
    }

    /// Masks the model.
    fn put_on(&self, masks: Option<Masks>, m: &mut Model) -> Result<(), Error> {
        match masks {
            None => Ok(()),
            Some(masks) => {
                m.graph = masks::apply(&m.graph, &masks).map_err(|e| self.named(e.to_string()))?;
                Ok(())
            }
        }
    }

    fn clean(&self, m: &Model, ds: &Dataset, progress: &Progress) -> Result<Clean, Error> {
        let n = self.limit.unwrap_or(ds.len());
        let (mut outputs, mut shape) = (vec![], vec![]);
        let mut keep = |logits: &Tensor| {
            if self.save_outputs.is_some() {
                outputs.extend_from_slice(logits.as_f32().unwrap_or_default());
                shape = logits.shape().to_vec();
            }
        };
        let tell = &mut |i, n| progress.count("images", i, n);
        let found = eval::clean_watched(&m.graph, ds, n, tell, &mut keep);
        progress.finish();
        let r = found.map_err(|e| self.named(e))?;
        if let Some(d) = shape.first_mut() {
            *d = r.n;
        }
        self.save(m, ds, (shape, outputs), r.n).map_err(|e| self.named(e))?;
        Ok(r)
    }

    fn corrupted(&self, g: &Graph, from: Source<'_>, n: usize, p: &Progress) -> Result<Corrupted, Error> {
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
    ) -> Result<(), String> {
        let write = |path: &PathBuf, t: &Tensor| {
            create_atomically(path, |w| write_npy(w, t))
                .map_err(|e| format!("{}: cannot be written: {e}", path.display()))
        };
        if let Some(path) = &self.save_inputs {
            let (_, ty) = eval::only_input(&m.graph)?;
            write(path, &eval::feed(ds, 0..n, eval::layout(ty, ds.image_shape())?).0)?;
        }
        match &self.save_outputs {
            Some(path) => write(path, &Tensor::f32(shape, outputs)),
            None => Ok(()),
        }
    }
}

/// Writes `DIR/corruptions.png` of the first images, one for each corruption.
fn contact_sheet(dir: &Path, data: &DataSpec, ds: &Dataset, seed: u64) -> Result<(), Error> {
    let images: Vec<u8> =
        (0..ds.len().min(Corruption::ALL.len())).flat_map(|i| ds.pixels(i)).copied().collect();
    let zoom = (CELL / ds.image_shape()[2].max(1)).max(1);
    let (width, height, pixels) = corrupt::contact_sheet(&images, ds.image_shape(), zoom, seed)
        .map_err(|e| Error::Input(format!("{data}: {e}")))?;
    let path = dir.join("corruptions.png");
    std::fs::create_dir_all(dir)
        .and_then(|()| {
            create_atomically(&path, |w| {
                let side = |n: usize| u32::try_from(n).map_err(std::io::Error::other);
                let mut e = png::Encoder::new(w, side(width)?, side(height)?);
                e.set_color(png::ColorType::Rgb);
                e.set_depth(png::BitDepth::Eight);
                Ok(e.write_header()?.write_image_data(&pixels)?)
            })
        })
        .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", path.display())))
}
