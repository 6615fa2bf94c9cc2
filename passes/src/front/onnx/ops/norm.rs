//! BatchNormalization and Dropout in inference form; their training forms are refused.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done};
use crate::ir::Op;

const EVAL: &str = "call model.eval() and export with training=TrainingMode.EVAL";

/// BatchNormalization.
pub fn batch_norm(c: &mut Ctx<'_>) -> Done {
    if c.flag("training_mode", false) {
        return Err(format!("is in training mode, so its statistics depend on the batch; {EVAL}").into());
    }
    if (1..c.node.output.len()).any(|k| c.output(k).is_some()) {
        return Err(format!("has extra outputs, the mark of a training export; {EVAL}").into());
    }
    if !c.flag("spatial", true) {
        return Err("normalises every pixel on its own (spatial = 0); export it per channel".into());
    }
    let operands = c.operands(5)?;
    c.emit(Op::BatchNorm { eps: c.float("epsilon", 1e-5) }, &operands)
}

/// Dropout.
pub fn dropout(c: &mut Ctx<'_>) -> Done {
    if c.reads_output(1) {
        return Err(format!("its mask output is used, so the graph is a training graph; {EVAL}").into());
    }
    if c.opset >= 12 && c.has(2) {
        let mode = c.need(2)?;
        let off = c.konst(mode).and_then(|k| k.as_bool().map(|v| v.iter().all(|on| !on)));
        match off {
            Some(true) => {}
            Some(false) => return Err(format!("is in training mode; {EVAL}").into()),
            None => return Err(format!("its training_mode is not constant; {EVAL}").into()),
        }
    }
    let x = c.need(0)?;
    c.emit(Op::Dropout, &[x])
}
