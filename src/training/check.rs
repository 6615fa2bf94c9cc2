//! What is looked at before anything is trained.

use super::Trainer;
use super::target::chooses_layers;
use crate::error::Error;
use relinc_runtime::data::Dataset;
use relinc_runtime::exec::Branch;
use relinc_runtime::train::evaluate::pixels;
use relinc_runtime::train::{Kind, Method, Model};

impl Trainer<'_> {
    /// Finds before anything is trained what could not be: options, labels, and a teacher that does not fit.
    pub(super) fn check(
        &self,
        student: &Model,
        teacher: &Model,
        train: &Dataset,
        val: &Dataset,
    ) -> Result<(), String> {
        if train.is_empty() {
            return Err("there are no training images".into());
        }
        let classes = |m: &Model| -> Result<usize, String> {
            Ok(m.runnable().logits(pixels(train, 0..1, m.net.device()), Branch::Clean)?.dims()[1])
        };
        let (mine, theirs) = (classes(student)?, classes(teacher)?);
        let labels = |d: &Dataset| (0..d.len()).map(|i| d.label(i)).max().unwrap_or(0);
        let most = labels(train).max(labels(val));
        if most >= mine {
            return Err(format!("the data set has a label {most}, the model only {mine} classes"));
        }
        if mine != theirs {
            return Err(format!("the teacher has {theirs} classes, the model {mine}"));
        }
        let shapes = |m: &Model| m.net.relus().iter().map(|r| r.shape).collect::<Vec<_>>();
        let names: Vec<&str> = student.net.relus().iter().map(|r| r.name.as_str()).collect();
        for s in &self.plan.stages {
            let o = &s.options;
            let fail = |e: Error| e.to_string();
            if let Some(budget) = &s.budget {
                o.vanish().check(&names).map_err(fail)?;
                chooses_layers(budget, o).map_err(fail)?;
            }
            let method = (s.kind == Kind::Search || o.method.is_some())
                .then(|| o.method())
                .transpose()
                .map_err(fail)?;
            let recipe = o.recipe(s.kind, method, false, true, 1.0, 0).map_err(fail)?;
            if s.kind == Kind::Search {
                o.search(0, 0).map_err(fail)?;
            }
            let compares =
                recipe.objective.attention > 0.0 || matches!(method, Some(Method::Senet | Method::Rlnet));
            if s.kind != Kind::Teacher && compares && shapes(student) != shapes(teacher) {
                return Err("the teacher has other ReLU layers than the model; senet, rlnet and attention compare them".into());
            }
        }
        Ok(())
    }
}
