//! Adding to what training left in a folder: more targets of the same network under the same masks.

use super::place::NETWORK;
use super::{MASKS, MaskSource, Request, Source, TRAINED, Target};
use crate::error::{Error, Result, input};
use crate::folder::{Content, Folder, Staging};
use crate::report::model::{Accuracy, Scores};
use crate::report::{self, Report};
use relinc_passes::masks::Masks;
use std::path::Path;

/// What lies there.
#[derive(Debug)]
pub(super) struct Kept {
    report: Report,
    /// The targets that were emitted.
    pub targets: Vec<Target>,
}

impl Kept {
    /// What training left in the folder, if it did.
    ///
    /// # Errors
    /// The compilation is of another network or other masks, so that the results of training would be lost.
    pub fn of(folder: &Folder, source: &Source, r: &Request) -> Result<Option<Kept>> {
        let m = folder.manifest();
        if !m.holds_training() && !m.files.contains_key(TRAINED) {
            return Ok(None);
        }
        let root = folder.root();
        let at = |name: &str| root.join(name).display().to_string();
        let refuse = |why: String| Err(input(format!("{}: {why}, or choose another -o", root.display())));
        let (Some(network), Some(masks)) = (m.content(TRAINED), m.content(MASKS)) else {
            return refuse("holds a run that is not complete; finish it with --resume".into());
        };
        m.verify(root, NETWORK.into_iter().chain([MASKS, "report.json"]))?;
        let same = |path: &Path, listed: &Content| Content::of(path).is_ok_and(|c| c == *listed);
        let whole = format!("compile {} with --masks {}", at(TRAINED), at(MASKS));
        match source {
            Source::File(path, _) if same(path, network) => {}
            Source::File(..) | Source::Built(..) | Source::Trained(..) => {
                return refuse(format!(
                    "holds another network that was trained, whose results would be lost; {whole}"
                ));
            }
        }
        let all = || Ok::<bool, Error>(keeps_all(&Masks::read(&root.join(MASKS)).map_err(input)?));
        match &r.masks {
            MaskSource::File(path) if same(path, masks) => {}
            MaskSource::All if all()? => {}
            MaskSource::File(_) | MaskSource::All | MaskSource::Learned(_) | MaskSource::Search(_) => {
                return refuse(format!("holds the masks of this network, which would be lost; {whole}"));
            }
        }
        let there = |t: &Target| t.files().iter().any(|f| m.files.contains_key(*f) && root.join(f).exists());
        let targets = Target::ALL.into_iter().filter(there).collect();
        Ok(Some(Kept { report: report::read(root)?, targets }))
    }

    /// Brings it into the report of what is there now: what the network was before training is still what it is compared with.
    pub fn carry(self, new: &mut Report, staging: &Staging, folder: &Folder) -> Result<()> {
        let old = self.report;
        let mut notes = old.notes;
        let added: Vec<String> = new.notes.drain(..).filter(|n| !notes.contains(n)).collect();
        notes.extend(added);
        new.notes = notes;
        new.model = old.model;
        new.training = old.training;
        new.evaluations = old.evaluations;
        new.accuracy = accuracy(old.accuracy, new.accuracy.take(), &mut new.notes);
        // A network that was folded before it was tuned costs less than the one that was read.
        let folded = old.before.is_some() && old.before != new.before;
        for c in &mut new.cost {
            let same = |o: &&report::model::Cost| {
                (&o.protocol, &o.network, o.weights) == (&c.protocol, &c.network, c.weights)
            };
            if folded {
                c.before = old.cost.iter().find(same).and_then(|o| o.before.clone());
                c.per_layer.iter_mut().for_each(|l| l.before_bytes = None);
            }
        }
        new.before = old.before.or(new.before.take());
        let s = &mut new.settings;
        (s.bn, s.method) = (old.settings.bn, old.settings.method);
        s.budget = old.settings.budget.or(s.budget.take());
        s.data = s.data.take().or(old.settings.data);
        if !old.measured.is_empty() && is_as_before(Target::Spu, staging, folder)? {
            new.measured = old.measured;
        }
        Ok(())
    }
}

/// The accuracy of a trained network: what was measured then, unless it was measured again on the same images.
fn accuracy(old: Option<Accuracy>, new: Option<Accuracy>, notes: &mut Vec<String>) -> Option<Accuracy> {
    let (Some(old), Some(new)) = (&old, &new) else { return old.or(new) };
    let after = new.after.and_then(|s| s.clean);
    if (&old.data, &old.split, old.n) == (&new.data, &new.split, new.n) {
        let kept = old.after.unwrap_or_default();
        return Some(Accuracy { after: Some(Scores { clean: after, ..kept }), ..old.clone() });
    }
    if let Some(after) = after {
        notes.push(format!(
            "As it is emitted now, {after:.2} % of {} images of {}, {} split, are classified correctly.",
            new.n, new.data, new.split
        ));
    }
    Some(old.clone())
}

/// Is every file of a target the one that lies in the folder?
fn is_as_before(t: Target, staging: &Staging, folder: &Folder) -> Result<bool> {
    for name in t.files() {
        let staged = staging.path().join(name);
        let now = staged.exists().then(|| Content::of(&staged)).transpose().map_err(input)?;
        if now.as_ref() != folder.manifest().content(name) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn keeps_all(m: &Masks) -> bool {
    m.layers.values().all(|l| l.kept() == l.all())
}
