//! `relinc compile`: import → canonical form → masks → lowering → artefacts → report.

mod accuracy;
pub mod baseline;
pub mod budgets;
mod contributions;
pub mod describe;
mod emit;
pub mod fixed;
mod fold;
pub(crate) mod foresee;
mod forms;
mod kept;
mod make;
mod next;
mod place;
mod request;
mod search;
mod sparse;
mod stable;
pub mod tails;
mod target;
mod untrained;

pub use self::fixed::{Bounded, RingMode, TruncationMode};
pub use self::fold::FoldMode;
pub use self::request::{Before, Learned, MaskSource, Named, Request, Source};
pub use self::search::Search;
pub use self::target::Target;
use crate::error::{Result, input};
use crate::folder::{Begin, Folder};
use crate::images::Images;
use crate::model::Model;
use crate::progress::Progress;
use crate::report::Report;
pub(crate) use place::{Place, writes};
use relinc_passes::masks::Masks;
use std::path::Path;

/// The masks in an output folder.
pub(crate) const MASKS: &str = "masks.safetensors";
/// The trained network with all its ReLUs.
pub(crate) const TRAINED: &str = "trained.onnx";

/// Compiles and writes the output folder; returns what was reported. A pipeline says in `begin` what it does with a run that it finds
/// there; `compile` itself takes the place of a compilation, and adds to what training left.
pub fn compile(source: Source, r: &Request, begin: Option<Begin>, progress: &Progress) -> Result<Report> {
    let mut folder = Folder::output(&r.out, r.by, r.by, begin, progress)?;
    if let Some(begin) = begin
        && folder.manifest().holds_run()
    {
        folder.refuse_run(begin, "a run")?;
    }
    let (r, place) = Place::claim(&mut folder, &source, r, begin == Some(Begin::Restart))?;
    compile_into(source, &r, &mut folder, place, progress)
}

/// Finds what is wrong with a network, its images and a request before any work is done; looks at no output folder.
///
/// # Errors
/// Those with which [`compile`](fn@compile) would begin.
pub fn check(source: Source, r: &Request) -> Result<()> {
    fixed::plans(r)?;
    let (graph, info, _) = describe::open(source)?;
    let images = r.data.as_ref().map(|d| Images::labelled(d, &graph, &info.path)).transpose()?;
    let model = Model::canonical(graph.clone(), info, &make::options(r), None)?;
    let given = search::given(&model, &model.lean()?, r)?;
    foresee::expressible(&model, given.as_ref(), r)?;
    images.iter().try_for_each(|i| describe::range_holds(r, &graph, i))
}

/// Compiles into a folder in which it was claimed what is written.
pub(crate) fn compile_into(
    source: Source,
    r: &Request,
    folder: &mut Folder,
    place: Place,
    progress: &Progress,
) -> Result<Report> {
    if r.folds_before_tuning() && !matches!(source, Source::Trained(..)) {
        return Err(input("fold before-tune wants a stage tune: relinc run or relinc tune"));
    }
    fixed::plans(r)?;
    let staging = folder.stage()?;
    let desk = make::Desk { folder, staging: &staging, place, progress };
    let made = make::make(source, r, desk);
    let (report, dropped) = made.map_err(|e| staging.named(e))?;
    folder.commit(staging, dropped)?;
    Ok(report)
}

/// Reads a mask file and checks it against the model.
pub fn read_masks(path: &Path, model: &Model) -> Result<Masks> {
    let mut m = Masks::read(path).map_err(input)?;
    m.fit(&path.display().to_string(), &model.layers).map_err(input)?;
    Ok(m)
}
