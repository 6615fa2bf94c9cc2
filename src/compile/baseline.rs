//! What the emitted graph is held against: the file as a runtime would run it, and the model compiled with all its ReLUs.

use super::Request;
use super::forms::{self, Chosen};
use crate::error::{Result, input};
use crate::model::Model;
use crate::report::assemble::Against;
use crate::report::model::BeforeIs;
use relinc_passes::choice::Choice;
use relinc_passes::driver::{self, Options};
use relinc_passes::ir::infer::{infer, resolve_all};
use relinc_passes::ir::{Facts, Graph};
use relinc_passes::masks::Masks;
use relinc_passes::passes::drop_dead::DropDead;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_runtime::cost::{self, Class, Priced, Protocol, Totals};

/// A graph in figures: its counts, and its price under each protocol of a request, in their order.
#[derive(Debug, Clone)]
pub struct Column {
    /// Counts.
    pub totals: Totals,
    /// Prices.
    pub priced: Vec<Priced>,
}

impl Column {
    /// Prices a graph, its convolutions in the forms that were chosen.
    pub fn new(g: &Graph, facts: &Facts, r: &Request, chosen: &Chosen) -> Column {
        let price = |p| cost::price_as(g, facts, p, forms::weights(r, p), &chosen.of(p));
        Column { totals: cost::totals(g, facts), priced: r.protocols.iter().map(price).collect() }
    }

    /// A graph that is not compiled: convolutions direct, truncations right.
    fn uncompiled(g: &Graph, facts: &Facts, r: &Request) -> Column {
        let price = |p: &Protocol| cost::price(g, facts, &p.truncating_safely(), forms::weights(r, p));
        Column { totals: cost::totals(g, facts), priced: r.protocols.iter().map(price).collect() }
    }

    /// A graph as it was imported, operation by operation, convolutions direct. Parameters that arrive as operands are known before
    /// the first query, and what no output needs is not computed.
    pub fn of_file(g: &Graph, r: &Request) -> Result<Column> {
        let mut g = g.clone();
        let facts = infer(&g).map_err(|e| input(&e[0]))?;
        resolve_all(&mut g, &facts);
        driver::run(&DropDead, &mut g, &Options::default()).map_err(input)?;
        let facts = infer(&g).map_err(|e| input(&e[0]))?;
        Ok(Column::uncompiled(&g, &facts, r))
    }

    /// A canonical model lowered under masks, by the passes and judgements that lower what is emitted. Merged weights are not computed,
    /// for the graph is only priced.
    pub(super) fn lowered(mut model: Model, masks: Masks, options: &Options, r: &Request) -> Result<Column> {
        let options = Options { sketch: true, fold: r.fold(), ..options.clone().with(InsertMasks(masks)) };
        model.lower(&options, None)?;
        let facts = infer(&model.graph).map_err(|e| input(&e[0]))?;
        let chosen = Chosen::new(r, &model.graph, &facts);
        Ok(Column::new(&model.graph, &facts, r, &chosen))
    }
}

/// The columns beside that of the emitted graph.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The original as it was imported.
    pub file: Column,
    /// Its canonical form, convolutions direct: in the place of `file` for protocols that cannot price that.
    pub canonical: Column,
    /// Compiled with all its ReLUs; `None` where the emitted graph is that.
    pub lossless: Option<Column>,
}

impl Baseline {
    /// Prices what the original becomes: `canonical` is its canonical form, `file` what [`Column::of_file`] made of it.
    /// `unmasked` says that nothing is removed, so that the emitted graph will be the lossless one.
    pub fn new(
        mut file: Column,
        canonical: Model,
        options: &Options,
        unmasked: bool,
        r: &Request,
    ) -> Result<Baseline> {
        // The exporters' spellings of a ReLU count as ReLUs, and the operations take the names of their layers.
        file.totals.relus = canonical.relus_read;
        for node in file.priced.iter_mut().flat_map(|p| &mut p.nodes).filter(|n| n.class == Class::Relu) {
            let layer = canonical.layers.iter().find(|l| canonical.graph.node(l.node).name == node.name);
            node.layer = layer.map(|l| l.name.clone());
        }
        let whole = canonical.whole()?;
        let facts = infer(&whole).map_err(|e| input(&e[0]))?;
        let direct = Column::uncompiled(&whole, &facts, r);
        drop(facts);
        let all = Masks::uniform(&canonical.layers, Choice::Relu);
        let lossless = (!unmasked).then(|| Column::lowered(canonical, all, options, r)).transpose()?;
        Ok(Baseline { file, canonical: direct, lossless })
    }

    /// What protocol `i` compares with; `after` is the emitted graph.
    pub fn against<'a>(&'a self, i: usize, after: &'a Priced) -> Against<'a> {
        let (file, canonical) = (&self.file.priced[i], &self.canonical.priced[i]);
        let (before, before_is) = match !file.complete() && canonical.complete() {
            true => (canonical, BeforeIs::Canonical),
            false => (file, BeforeIs::File),
        };
        Against { lossless: self.lossless.as_ref().map_or(after, |l| &l.priced[i]), before, before_is }
    }

    /// Sentences on protocols whose original is not the file itself.
    pub fn notes(&self, r: &Request) -> Vec<String> {
        let stand_in = |i: usize| {
            let file = &self.file.priced[i];
            (!file.complete() && self.canonical.priced[i].complete()).then(|| {
                format!(
                    "{}: the file as it is cannot be priced (no law for {}); the original is its canonical form, with normalisations \
                     folded and direct convolutions.",
                    r.protocols[i].name,
                    file.not_modelled.join(", ")
                )
            })
        };
        (0..r.protocols.len()).filter_map(stand_in).collect()
    }
}
