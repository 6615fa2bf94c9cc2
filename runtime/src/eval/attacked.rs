//! Accuracy under attack, on burn.

use super::BATCH;
use super::interval::wilson;
use crate::attack::auto::{Image, Stage, Told};
use crate::attack::{Adversary, Attack};
use crate::data::Dataset;
use crate::exec::value::{download, upload};
use crate::exec::{Branch, Precision};
use crate::train::attacked::{Fallen, fallen, images};
use crate::train::evaluate::{self, Chosen, Runnable, Worst};
use crate::train::model::Model;
use burn::tensor::Device;
use relinc_passes::head::split;
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::masks::Masks;
use std::time::Instant;

/// A network made ready to be attacked.
#[derive(Debug, Clone)]
pub struct Target {
    model: Model,
    precision: Precision,
}

/// What an attack left.
#[derive(Debug, Clone, PartialEq)]
pub struct Adversarial {
    /// Images.
    pub n: usize,
    /// Percent of them that no attack got misclassified.
    pub accuracy: f64,
    /// How sure that is: the 95 % interval.
    pub interval: [f64; 2],
    /// Of AutoAttack, what stood after each of its attacks.
    pub stages: Vec<Stage>,
    /// Of AutoAttack, for each image that is broken one in its ball that is misclassified.
    pub found: Vec<Option<Vec<f32>>>,
    /// What makes the figure doubtful.
    pub notes: Vec<String>,
    /// Wall-clock time.
    pub seconds: f64,
}

impl Target {
    /// In single precision, a canonical, unmasked graph for the images of `ds`, with `masks` on its layers. A head is taken off: the classes stay the
    /// same, and an attack cannot be stopped by the saturation of a softmax.
    ///
    /// # Errors
    /// A graph that cannot be differentiated, other images than `ds` has, more than one image fixed as the batch.
    pub fn new(g: &Graph, masks: Option<&Masks>, ds: &Dataset, device: &Device) -> Result<Target, String> {
        let facts = infer(g).map_err(|e| e.first().map(ToString::to_string).unwrap_or_default())?;
        let mut g = g.clone();
        split(&mut g, &facts);
        let mut model = Model::of_graph(&g, ds, device)?;
        if let Some(m) = masks {
            model.set_masks(m);
        }
        Ok(Target { model, precision: Precision::F32 })
    }

    /// The same in another precision: what attacks differentiate, and what says whether an image is misclassified.
    ///
    /// # Errors
    /// The device does not compute in it.
    pub fn in_precision(self, precision: Precision) -> Result<Target, String> {
        precision.check(self.device())?;
        Ok(Target { precision, ..self })
    }

    /// What it computes in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        self.model.net.device()
    }

    /// Accuracy on the first `n` images under attack. `tell` hears how far it is.
    ///
    /// # Errors
    /// No image, a label that the network has no class for, an operation without a gradient.
    pub fn accuracy(
        &self,
        ds: &Dataset,
        n: usize,
        adversary: &Adversary,
        seed: u64,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Adversarial, String> {
        let start = Instant::now();
        let n = n.min(ds.len());
        let which: Vec<usize> = (0..n).collect();
        let found = self.fallen(ds, &which, adversary, seed, tell)?;
        Ok(Adversarial {
            n,
            accuracy: found.accuracy(),
            interval: wilson(found.standing() as f64, n),
            stages: found.stages,
            found: found.found,
            notes: found.notes,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Which of these images the adversary gets misclassified. `tell` hears how far it is.
    ///
    /// # Errors
    /// As of [`Target::accuracy`].
    pub fn broken(
        &self,
        ds: &Dataset,
        which: &[usize],
        adversary: &Adversary,
        seed: u64,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Vec<bool>, String> {
        match which.is_empty() {
            true => Ok(vec![]),
            false => Ok(self.fallen(ds, which, adversary, seed, tell)?.broken),
        }
    }

    /// The worst that an attack makes of each of these images. `tell` hears how many are done.
    ///
    /// # Errors
    /// As of [`Target::accuracy`].
    pub fn worst(
        &self,
        ds: &Dataset,
        which: &[usize],
        attack: &Attack,
        seed: u64,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Worst>, String> {
        if which.is_empty() {
            return Ok(vec![]);
        }
        let r = self.fitting(ds, which.iter().copied())?;
        evaluate::worst(&r, Branch::Clean, chosen(&r, ds, which), attack, seed, tell)
    }

    /// C, H, W of an image.
    pub fn image(&self) -> [usize; 3] {
        self.model.front.image()
    }

    /// The first `n` images as an attack takes them.
    pub fn images(&self, ds: &Dataset, n: usize) -> Vec<Image> {
        let which: Vec<usize> = (0..n.min(ds.len())).collect();
        images(&Chosen { images: ds, which: &which, batch: BATCH })
    }

    /// The network's input for pixels in 0…1 of some images, one after the other.
    pub fn input(&self, pixels: Vec<f32>) -> Vec<f32> {
        let [c, h, w] = self.model.front.image();
        let n = pixels.len() / (c * h * w).max(1);
        let x = upload(pixels, self.device()).reshape([n, c, h, w]);
        download(self.model.front.apply(x).into_flat())
    }

    fn fallen(
        &self,
        ds: &Dataset,
        which: &[usize],
        adversary: &Adversary,
        seed: u64,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Fallen, String> {
        let r = self.fitting(ds, which.iter().copied())?;
        fallen(&r, Branch::Clean, chosen(&r, ds, which), adversary, seed, tell)
    }

    /// The network, once it has a class for every label of these images.
    fn fitting(&self, ds: &Dataset, which: impl Iterator<Item = usize>) -> Result<Runnable<'_>, String> {
        let r = Runnable { precision: self.precision, ..self.model.runnable() };
        let most = which.map(|i| ds.label(i)).max().ok_or("there is no image to attack")?;
        let one = r.logits(evaluate::pixels(ds, 0..1, r.net.device()), Branch::Clean)?;
        let classes = one.dims()[1];
        match most < classes {
            true => Ok(r),
            false => Err(format!("the data set has a label {most}, the model only {classes} classes")),
        }
    }
}

fn chosen<'a>(r: &Runnable<'_>, images: &'a Dataset, which: &'a [usize]) -> Chosen<'a> {
    Chosen { images, which, batch: r.net.batch(BATCH) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::data::{DataSpec, Split};
    use crate::eval::clean;
    use relinc_passes::ir::text::parse;

    fn shapes(n: usize) -> Dataset {
        "shapes".parse::<DataSpec>().unwrap().open(Split::Test, Some(n)).unwrap()
    }

    fn graph(batch: &str, classes: usize, body: &str) -> Graph {
        parse(&format!(
            "graph g {{
               %x = input f32[{batch},3,32,32]
               %w = const f32[{classes},3072] rand(seed=1)
               {body}
               output \"y\" = %y
             }}"
        ))
        .unwrap()
    }

    fn left(g: &Graph, attack: &str) -> f64 {
        let ds = shapes(40);
        let target = Target::new(g, None, &ds, &Device::flex()).unwrap();
        target.accuracy(&ds, 40, &attack.parse().unwrap(), 0, &mut |_| {}).unwrap().accuracy
    }

    #[test]
    fn nothing_moved_is_clean_accuracy() {
        let ds = shapes(40);
        for body in [
            "%f = reshape(%x) {dims=[1, 3072]}
             %y = linear(%f, %w)",
            // No other batch: three planes are joined by their order.
            "%p = reshape(%x) {dims=[3, 1024]}
             %f = reshape(%p) {dims=[1, 3072]}
             %y = linear(%f, %w)",
        ] {
            let g = graph("1", 10, body);
            let clean = clean(&g, &ds, 40, &mut |_, _| {}).unwrap().clean;
            assert_eq!(left(&g, "pgd:eps=0"), clean);
            let pgd = left(&g, "pgd:eps=8/255,steps=5");
            assert!(pgd <= clean);
            assert_eq!(left(&g, "auto:eps=0"), clean);
            // Of a linear network each of them finds what there is.
            assert!(left(&g, "auto:eps=8/255,steps=10,queries=20") <= pgd);
        }
    }

    #[test]
    fn in_half_precision_an_attack_finds_what_there_is() {
        let body = "%f = reshape(%x) {dims=[N, 3072]}
                    %y = linear(%f, %w)";
        let (g, ds) = (graph("N", 10, body), shapes(200));
        let left = |p| {
            let target = Target::new(&g, None, &ds, &Device::flex()).unwrap().in_precision(p).unwrap();
            let attack = "pgd:eps=2/255,steps=5,start=image".parse().unwrap();
            target.accuracy(&ds, 200, &attack, 0, &mut |_| {}).unwrap().accuracy
        };
        let [full, half] = [Precision::F32, Precision::Bf16].map(left);
        assert!((full - half).abs() <= 2.0, "{full} in f32, {half} in bf16");
        let target = Target::new(&g, None, &ds, &Device::flex()).unwrap();
        assert!(target.in_precision(Precision::F16).unwrap_err().contains("does not compute in f16"));
    }

    #[test]
    fn a_saturated_softmax_is_no_shelter() {
        let body = |end: &str| {
            format!(
                "%k = const f32[] [1000]
                 %f = reshape(%x) {{dims=[N, 3072]}}
                 %l = linear(%f, %w)
                 %z = mul(%l, %k)
                 %y = {end}"
            )
        };
        let logits = left(&graph("N", 10, &body("identity(%z)")), "pgd:eps=8/255,steps=5");
        assert_eq!(left(&graph("N", 10, &body("softmax(%z) {axis=1}")), "pgd:eps=8/255,steps=5"), logits);
    }

    #[test]
    fn no_class_for_a_label() {
        let body = "%f = reshape(%x) {dims=[N, 3072]}
                    %y = linear(%f, %w)";
        let (g, ds) = (graph("N", 4, body), shapes(40));
        let target = Target::new(&g, None, &ds, &Device::flex()).unwrap();
        let why =
            target.accuracy(&ds, 40, &Adversary::Gradient(Attack::training()), 0, &mut |_| {}).unwrap_err();
        assert!(why.contains("label") && why.contains("4 classes"), "{why}");
    }
}
