//! Which stages of a pipeline a process runs.

use crate::error::{Result, input};
use relinc_runtime::nearest::did_you_mean;

/// The stage after training: the teacher's and the student's accuracies.
pub const EVALUATE: &str = "evaluate";
/// The last stage: lowering, artefacts, prices, report.
pub const COMPILE: &str = "compile";

/// The stages of a pipeline, and which of them run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    names: Vec<String>,
    runs: Vec<bool>,
}

impl Part {
    /// All stages: those that train, then [`EVALUATE`] and [`COMPILE`].
    pub fn whole(training: Vec<String>) -> Part {
        let names: Vec<String> = training.into_iter().chain([EVALUATE.into(), COMPILE.into()]).collect();
        Part { runs: vec![true; names.len()], names }
    }

    /// The compilation alone, of a pipeline that trains nothing.
    pub fn compiling() -> Part {
        Part { names: vec![COMPILE.into()], runs: vec![true] }
    }

    /// Only the named ones.
    pub fn only(self, asked: &[String]) -> Result<Part> {
        if let Some(name) = asked.iter().find(|a| !self.names.contains(a)) {
            let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let hint = did_you_mean(name, &known);
            return Err(input(format!(
                "--only: there is no stage '{name}'{hint}; this pipeline has {}",
                known.join(", ")
            )));
        }
        let runs: Vec<bool> = self.names.iter().map(|n| asked.contains(n)).collect();
        if !runs.contains(&true) {
            return Err(input("--only names no stage"));
        }
        Ok(Part { runs, ..self })
    }

    /// The stages in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The stages that run here.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        (0..self.names.len()).filter(|&i| self.runs[i]).map(|i| self.names[i].as_str())
    }

    /// Does the stage run here?
    pub fn has(&self, name: &str) -> bool {
        self.running().any(|n| n == name)
    }

    /// Do all?
    pub fn is_whole(&self) -> bool {
        !self.runs.contains(&false)
    }

    /// Position of the first that runs here.
    pub fn first(&self) -> usize {
        self.runs.iter().position(|&r| r).unwrap_or(0)
    }

    /// Position of the last.
    pub fn last(&self) -> usize {
        self.runs.iter().rposition(|&r| r).unwrap_or(0)
    }

    /// Stages that have to lie finished in the folder: those before the last one that do not run here.
    pub fn needed(&self) -> impl Iterator<Item = (usize, &str)> {
        (0..self.last()).filter(|&i| !self.runs[i]).map(|i| (i, self.names[i].as_str()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn part(asked: &[&str]) -> Result<Part> {
        let training = ["teacher", "search", "tune"].map(String::from).to_vec();
        Part::whole(training).only(&asked.iter().map(|s| s.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn stages_before_the_last_are_needed() {
        let p = part(&["search", "evaluate"]).unwrap();
        assert_eq!((p.first(), p.last(), p.is_whole()), (1, 3, false));
        assert_eq!(p.needed().collect::<Vec<_>>(), [(0, "teacher"), (2, "tune")]);
    }

    #[test]
    fn an_unknown_stage_is_told_with_its_nearest() {
        let e = part(&["serch"]).map(|_| ()).map_err(|e| e.to_string());
        assert!(
            e.is_err_and(|e| e.contains("did you mean \"search\"") && e.contains("tune, evaluate, compile"))
        );
    }
}
