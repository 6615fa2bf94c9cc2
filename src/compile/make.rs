//! A compilation, phase by phase, from the import to the files in the staging folder.

use super::accuracy::{self, Measured};
use super::baseline::{Baseline, Column};
use super::emit::{emit, still_readable};
use super::{Before, MASKS, MaskSource, Place, Request, RingMode, Source, TRAINED};
use super::{contributions, describe, fixed, foresee, forms, next, search, sparse, stable, tails, untrained};
use crate::error::{Error, Result, input};
use crate::folder::{Folder, Staging};
use crate::images::Images;
use crate::model::Model;
use crate::probe::Probe;
use crate::progress::Progress;
use crate::report::{self, Report, model as rm};
use relinc_passes::back::onnx;
use relinc_passes::choice::Choice;
use relinc_passes::driver::Options;
use relinc_passes::driver::valid::{self, Valid};
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::head;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Facts, Graph, Tensor, Type};
use relinc_passes::masks::Masks;
use relinc_passes::passes::drop_redundant_relu::settle;
use relinc_passes::passes::drop_softmax::DropSoftmax;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_passes::passes::stable_sign::StableSign;
use relinc_runtime::data::Dataset;

/// Images the MPC runners get as their sample.
pub(super) const SAMPLE: usize = 20;

/// Where a compilation writes.
pub(super) struct Desk<'a> {
    pub folder: &'a Folder,
    pub staging: &'a Staging,
    pub place: Place,
    pub progress: &'a Progress,
}

/// Makes everything in the staging folder; the report, and which files of the folder go.
pub(super) fn make(
    source: Source,
    r: &Request,
    desk: Desk<'_>,
) -> Result<(Report, impl Fn(&str) -> bool + use<>), Error> {
    let Desk { folder, staging, place, progress } = desk;
    let trained = matches!(source, Source::Trained(..));
    let import = source.import();
    let (imported, info, notes) = describe::open(source)?;
    takes_one_image(&imported, &info)?;
    takes_several(&imported, &info, r.options.query_batch())?;
    let data = r.data.as_ref().map(|d| Images::labelled(d, &imported, &info.path)).transpose()?;
    let r = &Request { data: data.as_ref().map(|i| i.spec.clone()), ..r.clone() };
    let mut c = Compilation { r, progress, trained, info, data, notes, options: options(r) };
    progress.step("canonical form");
    let (_, wanted) = imported.only_input().map_err(input)?;
    let wanted = wanted.clone();
    let file = Column::of_file(r.original.as_ref().unwrap_or(&imported), r)?;
    // Nothing that the network alone decides waits for images. Probes are images, so with them it is made once more.
    let watched = r.options.verify_each.then(|| imported.clone());
    let mut model = c.canonical(imported, None)?;
    c.notes.append(&mut model.notices);
    let lean = model.lean()?;
    let given = search::given(&model, &lean, r)?;
    if r.data.is_some() && !trained {
        foresee::expressible(&model, given.as_ref(), r)?;
    }
    let (held_out, sample) = c.look(&wanted)?;
    let mut probe = None;
    if let Some(g) = watched {
        let watching = probe.insert(Probe::new(describe::probe_inputs(&wanted, &sample)?));
        model = c.canonical(g, Some(watching))?;
        model.notices.clear();
    }
    let graph = model.graph.clone();
    let facts = infer(&graph).map_err(|e| input(&e[0]))?;
    let shown = Shown { graph, facts, held_out, sample };
    let before = c.before(&lean, &shown)?;
    c.notes.extend(r.learned.iter().flat_map(|l| l.notes.clone()));
    let masks = search::masks(&model, &lean, r, given, progress, &mut c.notes)?;
    c.notes.extend(matches!(r.masks, MaskSource::Search(_)).then(untrained::note));
    if trained {
        let whole = model.whole()?;
        let v = valid::check(&whole).map_err(|e| input(&e[0]))?;
        let o = onnx::OnnxOptions { opset: r.options.opset(), ..Default::default() };
        onnx::emit(&v, &staging.path().join(TRAINED), &o).map_err(input)?;
    }
    let start = Start { model, masks, file };
    let (request, masked, canonical) = c.arithmetic(start, &shown, probe.as_mut())?;
    let r = &request;
    let emitted = masked.model.valid()?;
    let mut c = Compilation { r, ..c };
    let accuracy = c.after(before, &emitted, &masked.given, &shown)?;
    let plans = fixed::plans(r)?;
    let fixed_points = fixed::check(r, &plans, &emitted, shown.held_out.as_ref(), progress)?;
    c.notes.extend(fixed_points.iter().flat_map(crate::fixed_point::notes));
    let squares = tails::Masked { graph: &shown.graph, masks: &masked.masks, emitted: &emitted };
    let (tails, said) = tails::look(&squares, shown.held_out.as_ref(), &plans, r, progress)?;
    c.notes.extend(said);
    progress.step("emitting");
    let chosen = forms::Chosen::new(r, emitted.graph(), emitted.facts());
    c.notes.extend(chosen.notes(r, &emitted));
    emit(&emitted, staging, r, &masked.model, &shown.sample, &chosen)?;
    if !place.keeps(MASKS) {
        masked.masks.write(&staging.path().join(MASKS)).map_err(input)?;
    }
    let after = Column::new(emitted.graph(), emitted.facts(), r, &chosen);
    let artefacts = place.artefacts(staging, folder)?;
    let mut report = Report { accuracy, artefacts, tails, ..c.report(&masked, &shown, &after, fixed_points) };
    let dropped = place.drops();
    place.carry(&mut report, staging, folder)?;
    let import = r.learned.as_ref().map_or(&import, |l| &l.import);
    c.conclude(&mut report, &masked, canonical.as_ref(), &after, import)?;
    still_readable(emitted.graph(), &masked.model.info)?;
    report::write(staging.path(), &report)?;
    Ok((report, dropped))
}

/// What the passes are told before masks are known.
pub(super) fn options(r: &Request) -> Options {
    let options = Options { input_range: r.options.input_range(), ..Options::default() };
    if r.options.drop_softmax { options.with(DropSoftmax) } else { options }
}

/// Refuses a batch that is fixed at several images.
fn takes_one_image(g: &Graph, info: &ModelInfo) -> Result<()> {
    match g.only_input().ok().and_then(|(_, t)| t.fixed_batch()).filter(|&k| k > 1) {
        Some(k) => Err(input(format!(
            "{}: the batch is fixed at {k}; leave out --keep-batch, or export the model with batch 1 or a free batch",
            info.path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses queries of several images of a network that takes one alone.
fn takes_several(g: &Graph, info: &ModelInfo, images: usize) -> Result<()> {
    match g.only_input().ok().and_then(|(_, t)| t.fixed_batch()).filter(|_| images > 1) {
        Some(k) => Err(input(format!(
            "{}: the batch is fixed at {k}, and --query-batch {images} wants queries of several images; leave out --keep-batch, or \
             export the model with a free batch",
            info.path.display()
        ))),
        None => Ok(()),
    }
}

/// What every phase reads, and the notes that they leave.
struct Compilation<'a> {
    r: &'a Request,
    progress: &'a Progress,
    /// The network was trained here.
    trained: bool,
    info: ModelInfo,
    data: Option<Images>,
    options: Options,
    /// For the user, in the order of the phases.
    notes: Vec<String>,
}

/// The canonical network without masks, and the images that it is shown.
struct Shown {
    graph: Graph,
    facts: Facts,
    held_out: Option<Dataset>,
    /// What the runners get.
    sample: Tensor,
}

/// What a compilation is lowered from.
#[derive(Clone)]
struct Start {
    model: Model,
    masks: Masks,
    /// The file's figures.
    file: Column,
}

/// A network and its masks.
struct Masked {
    model: Model,
    /// The masks as they were given or found.
    given: Masks,
    /// Without the ReLUs that have no effect under them.
    proven: Masks,
    /// And without those whose operand keeps its sign: what is lowered.
    masks: Masks,
    lowering: Options,
    baseline: Baseline,
    nothing_removed: bool,
}

/// The request that was followed, the lowered network, and as it was before where ReLUs are removed.
type Lowered = (Request, Masked, Option<Model>);

impl Compilation<'_> {
    fn canonical(&self, g: Graph, probe: Option<&mut Probe>) -> Result<Model> {
        Model::canonical(g, self.info.clone(), &self.options, probe)
    }

    /// Opens the held-out images; without any the sample is pseudo-random.
    fn look(&mut self, wanted: &Type) -> Result<(Option<Dataset>, Tensor)> {
        let (r, accuracy) = (self.r, &self.r.options.accuracy);
        if let (Some(i), false) = (&self.data, self.trained) {
            i.announce(self.progress);
        }
        let open = |i: &Images| i.open(accuracy.split(), Some(accuracy.limit().max(fixed::IMAGES)));
        let held_out = self.data.as_ref().map(open).transpose()?;
        self.notes.extend(self.data.iter().flat_map(|i| i.catalogue.notices.clone()));
        self.notes.extend(held_out.iter().flat_map(|d| d.notices().to_vec()));
        let sample = describe::sample(wanted, held_out.as_ref(), SAMPLE, r.seed)?;
        describe::check_range(r.options.input_range(), &sample)?;
        Ok((held_out, sample))
    }

    /// The accuracy of the network before, and what explains that it is low.
    fn before(&mut self, lean: &Model, shown: &Shown) -> Result<Option<Measured>> {
        let Some(ds) = &shown.held_out else { return Ok(None) };
        let another = match &self.r.before {
            Before::Network(g, _) => Some(self.canonical((**g).clone(), None)?.graph),
            Before::Own(_) | Before::Nothing => None,
        };
        let found = accuracy::before(another.as_ref().unwrap_or(&lean.graph), ds, self.r, self.progress)?;
        if let (Some(i), false) = (&self.data, self.trained)
            && let Some(said) = i.doubt(&shown.graph, ds, found.clean().unwrap_or(100.0), self.progress)?
        {
            self.progress.line(&said);
            self.notes.push(said);
        }
        Ok(Some(found))
    }

    /// Lowers in the ring and with the truncations that are asked for, or that pay and do.
    fn arithmetic(&mut self, start: Start, shown: &Shown, mut probe: Option<&mut Probe>) -> Result<Lowered> {
        let r = self.r;
        let Some(narrow) = fixed::narrow(r) else { return self.wide(start, shown, probe) };
        let asked = r.options.ring == Some(RingMode::Bits32);
        let said = self.notes.len();
        let (_, masked, canonical) = self.lowered(&narrow, start.clone(), shown, probe.as_deref_mut())?;
        let emitted = masked.model.valid()?;
        let (format, found) = fixed::fraction(&narrow, &emitted, shown.held_out.as_ref(), self.progress)?;
        let narrow = fixed::made_for(narrow, format);
        let cost = fixed::seconds(&narrow, &emitted);
        if asked {
            return Ok((narrow, masked, canonical));
        }
        let ours = self.notes.split_off(said);
        let wide = self.wide(start, shown, probe)?;
        let other = wide.1.model.valid()?;
        let pays = cost.zip(fixed::seconds(&wide.0, &other)).filter(|(c, w)| c < w);
        let holds = found.as_ref().is_some_and(|a| a.flips <= fixed::ALLOWED_FLIPS && a.overflows == 0);
        let (taken, why) = match (&found, pays) {
            (Some(a), Some((c, w))) if holds => (
                32,
                format!(
                    "a later query communicates for {c:.3} s instead of {w:.3} s, and with {format} the class moves on {} of {} \
                     images",
                    a.flips, a.n
                ),
            ),
            (None, _) => (64, "without images nothing says that 32 bits keep the classes".into()),
            (Some(a), Some(_)) => (
                64,
                format!(
                    "with {format} the class moves on {} of {} images, {} overflow",
                    a.flips, a.n, a.overflowed_images
                ),
            ),
            (Some(_), None) => (64, "32 bits cost no less".into()),
        };
        if taken == 32 {
            self.notes.truncate(said);
            self.notes.extend(ours);
        }
        self.notes.push(format!("--ring auto: {taken} bits are taken; {why}."));
        Ok(if taken == 32 { (narrow, masked, canonical) } else { wide })
    }

    /// Lowers in the request's own rings, with cheap truncations where they are asked for and do.
    fn wide(&mut self, start: Start, shown: &Shown, probe: Option<&mut Probe>) -> Result<Lowered> {
        match fixed::hopeful(self.r, &mut self.notes) {
            Some(h) => self.bounded(&h, start, shown, probe),
            None => self.lowered(self.r, start, shown, probe),
        }
    }

    /// Lowers as a request with cheap truncations wants it; where nothing bounds what they risk, as the request with safe ones.
    fn bounded(
        &mut self,
        hopeful: &Request,
        start: Start,
        shown: &Shown,
        mut probe: Option<&mut Probe>,
    ) -> Result<Lowered> {
        let said = self.notes.len();
        let (_, masked, canonical) = self.lowered(hopeful, start.clone(), shown, probe.as_deref_mut())?;
        let emitted = masked.model.valid()?;
        match fixed::judge(hopeful, &emitted, shown.held_out.as_ref(), self.progress)? {
            Ok(b) => Ok((Request { bounded: Some(b), ..hopeful.clone() }, masked, canonical)),
            Err(why) => {
                self.notes.truncate(said);
                self.notes.push(format!(
                    "--truncation {}: safe truncation is taken, for {why}.",
                    hopeful.options.truncation
                ));
                self.lowered(self.r, start, shown, probe)
            }
        }
    }

    /// Masks and lowers the model as a request says.
    fn lowered(
        &mut self,
        r: &Request,
        start: Start,
        shown: &Shown,
        probe: Option<&mut Probe>,
    ) -> Result<Lowered> {
        let mut masked = self.mask(r, start)?;
        let canonical = self.lower(r, &mut masked, shown, probe)?;
        Ok((r.clone(), masked, canonical))
    }

    /// Puts masks on the model and prices the original, which is held against what they make of it.
    fn mask(&mut self, r: &Request, start: Start) -> Result<Masked> {
        let Start { mut model, mut masks, file } = start;
        let whole = match &r.original {
            Some(g) => self.canonical(g.clone(), None)?,
            None => model.clone(),
        };
        let untouched = masks.layers.values().all(|m| m.kept() == m.all());
        let nothing_removed = untouched && r.options.stable_sign().is_none() && r.merged.is_none();
        let baseline = Baseline::new(file, whole, &self.options, nothing_removed, r)?;
        self.notes.extend(baseline.notes(r));
        model.passes.extend(r.merged.iter().flatten().cloned());
        let given = masks.clone();
        let mut lowering =
            Options { fold: r.fold(), ..self.options.clone() }.with(InsertMasks(given.clone()));
        settle(&model.graph, &mut masks, r.options.input_range()).map_err(input)?;
        let proven = masks.clone();
        if let Some(n) = r.options.stable_sign() {
            let signs = stable::signs(&model, r, n, &masks, self.progress)?;
            signs.take_off(&mut masks);
            lowering = lowering.with(StableSign(signs));
        }
        Ok(Masked { model, given, proven, masks, lowering, baseline, nothing_removed })
    }

    /// Lowers the model; as it was before, where ReLUs are removed.
    fn lower(
        &mut self,
        r: &Request,
        m: &mut Masked,
        shown: &Shown,
        mut probe: Option<&mut Probe>,
    ) -> Result<Option<Model>> {
        let o = &r.options;
        self.progress.step("lowering");
        let canonical = (!m.nothing_removed).then(|| m.model.clone());
        m.model.lower(&m.lowering, probe.as_deref_mut())?;
        if let (Some(n), Some(ds)) = (o.stable_sign(), &shown.held_out) {
            self.notes.push(stable::counts(&m.proven, &m.masks, n));
            let (largest, said) = stable::change(&shown.graph, &m.proven, &m.masks, ds, self.progress)?;
            self.notes.push(said);
            m.model.measured(StableSign::NAME, largest);
        }
        if let Some(target) = o.normalise() {
            let (_, ty) = m.model.graph.only_input().map_err(input)?;
            let images = describe::sample(ty, shown.held_out.as_ref(), fixed::IMAGES, r.seed)?;
            fixed::normalise(&mut m.model, &images, target, &m.lowering, probe)?;
        }
        Ok(canonical)
    }

    /// The accuracy of the emitted network's logits.
    fn after(
        &mut self,
        before: Option<Measured>,
        emitted: &Valid<'_>,
        masks: &Masks,
        shown: &Shown,
    ) -> Result<Option<rm::Accuracy>> {
        let (Some(before), Some(ds)) = (before, &shown.held_out) else { return Ok(None) };
        let mut logits = emitted.graph().clone();
        head::split(&mut logits, emitted.facts());
        let squares = masks.layers.values().any(|m| m.count(Choice::Quadratic) > 0);
        let (found, said) = accuracy::after(before, (&logits, squares), ds, self.r, self.progress)?;
        self.notes.push(said);
        Ok(Some(found))
    }

    /// What is known without the folder: neither accuracy nor artefacts.
    fn report(&mut self, m: &Masked, shown: &Shown, after: &Column, fixed: Vec<rm::FixedPoint>) -> Report {
        let r = self.r;
        let layers = describe::layers(&m.model, (&m.given, &m.masks), &shown.graph, &shown.facts);
        Report {
            relinc_report: rm::FORM,
            relinc: env!("CARGO_PKG_VERSION").into(),
            model: describe::model_info(&m.model.info),
            totals: after.totals,
            lossless: Some(m.baseline.lossless.as_ref().map_or(after.totals, |l| l.totals)),
            before: Some(m.baseline.file.totals),
            cost: describe::costs(r, after, &m.baseline, &mut self.notes),
            training: r.learned.as_ref().map(|l| l.training.clone()),
            evaluations: r.learned.as_ref().map(|l| l.evaluations.clone()).unwrap_or_default(),
            passes: m.model.passes.clone(),
            fixed_point: super::fixed::given(r, &fixed),
            fixed_points: fixed,
            masks: describe::mask_pictures(&m.model, &m.masks),
            settings: describe::settings(r, &m.masks, self.data.as_ref()),
            notes: describe::notes(std::mem::take(&mut self.notes), &m.model, &layers),
            layers,
            ..Report::default()
        }
    }

    /// Judges the report, and prices what each kind of choice saves and what the masks could do without; `canonical` is the model before it was lowered.
    fn conclude(
        &self,
        report: &mut Report,
        m: &Masked,
        canonical: Option<&Model>,
        after: &Column,
        import: &ImportOptions,
    ) -> Result<()> {
        report.verdict = Some(next::verdict(self.r, import, report));
        if let Some(model) = canonical {
            let masked = sparse::Masked { model, masks: &m.masks, options: &self.options, r: self.r };
            report.conclusions = sparse::conclude(&masked, after, import)?;
            if let Some(lossless) = &m.baseline.lossless {
                contributions::contribute(&masked, report, lossless, after)?;
            }
        }
        Ok(())
    }
}
