//! Where a compilation goes: which files of its folder it writes, which it removes, and which stay as they are.

use super::{MASKS, MaskSource, Request, Source, TRAINED, Target};
use crate::compile::kept::Kept;
use crate::error::{Result, input};
use crate::folder::{Folder, Inputs, Staging, of_training};
use crate::report::model::Artefact;
use crate::report::{FILES, Report};
use std::collections::BTreeSet;

/// The trained network, and its weights where they are large.
pub(super) const NETWORK: [&str; 2] = [TRAINED, "trained.onnx.data"];

/// What stays in the folder of a compilation.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Files that are neither written nor removed.
    stay: BTreeSet<String>,
    /// Everything else of an earlier run goes.
    anew: bool,
    /// What training left there, which this compilation adds to.
    kept: Option<Kept>,
}

impl Place {
    /// Claims the files of a run that trains: its own, and where it `compiles` the artefacts, which take the place of earlier ones.
    pub fn beside_training(
        folder: &mut Folder,
        r: &Request,
        own: &[String],
        artefacts: &[String],
        compiles: bool,
    ) -> Result<Place> {
        let writes: Vec<String> = own.iter().chain(artefacts).cloned().collect();
        let goes = |n: &&String| compiles && !writes.contains(n) && !of_training(n);
        let drops: Vec<String> = folder.manifest().files.keys().filter(goes).cloned().collect();
        Ok(Place { stay: folder.claim(&r.inputs, &writes, &drops)?, ..Place::default() })
    }

    /// Claims the files of a compilation. In the folder of a trained network the request becomes one that adds to its targets.
    pub fn claim(folder: &mut Folder, source: &Source, r: &Request, anew: bool) -> Result<(Request, Place)> {
        let mut r = r.clone();
        let mut stay = BTreeSet::new();
        let kept = if anew { None } else { Kept::of(folder, source, &r)? };
        if let Some(k) = &kept {
            r.options.targets.extend(
                k.targets.iter().filter(|t| !r.options.targets.contains(t)).copied().collect::<Vec<_>>(),
            );
            stay.extend(NETWORK.iter().chain([&MASKS]).map(ToString::to_string));
        } else if is_own_mask_file(folder, &r.inputs, &r.masks)? {
            stay.insert(MASKS.into());
        }
        let trains = matches!(source, Source::Trained(..));
        let writes: Vec<String> = writes(&r.options.targets, trains).filter(|n| !stay.contains(n)).collect();
        let goes = |n: &&String| !stay.contains(*n) && !writes.contains(n) && (anew || !of_training(n));
        let drops: Vec<String> = folder.manifest().files.keys().filter(goes).cloned().collect();
        stay.extend(folder.claim(&r.inputs, &writes, &drops)?);
        Ok((r, Place { stay, anew, kept }))
    }

    /// Does the file stay?
    pub fn keeps(&self, name: &str) -> bool {
        self.stay.contains(name)
    }

    /// Which files of the manifest go, unless they are written again.
    pub fn drops(&self) -> impl Fn(&str) -> bool + use<> {
        let (stay, anew) = (self.stay.clone(), self.anew);
        move |name| !stay.contains(name) && (anew || !of_training(name))
    }

    /// The files beside the report: those that were staged, and those that stay.
    pub fn artefacts(&self, staging: &Staging, folder: &Folder) -> Result<Vec<Artefact>> {
        let staged = staging.files().map_err(input)?;
        let stays = |n: &String| Some((n.clone(), folder.manifest().content(n)?.bytes));
        let mut all: Vec<(String, u64)> =
            staged.into_iter().chain(self.stay.iter().filter_map(stays)).collect();
        all.sort();
        Ok(all.into_iter().map(|(path, bytes)| Artefact { path, bytes }).collect())
    }

    /// Brings what training found into the report.
    pub fn carry(self, report: &mut Report, staging: &Staging, folder: &Folder) -> Result<()> {
        match self.kept {
            Some(k) => k.carry(report, staging, folder),
            None => Ok(()),
        }
    }
}

/// The names a compilation may write.
pub(crate) fn writes(targets: &[Target], trains: bool) -> impl Iterator<Item = String> {
    let network = NETWORK.iter().filter(move |_| trains).copied();
    let targets = targets.iter().flat_map(|t| t.files()).copied();
    targets.chain(network).chain([MASKS]).chain(FILES).map(str::to_string)
}

/// Are the masks that are read those that lie in the folder, as relinc wrote them?
fn is_own_mask_file(folder: &Folder, inputs: &Inputs, masks: &MaskSource) -> Result<bool> {
    let given = matches!(masks, MaskSource::File(_)) && inputs.at(&folder.root().join(MASKS)).is_some();
    Ok(given && folder.manifest().is_unchanged(folder.root(), MASKS).map_err(input)?)
}
