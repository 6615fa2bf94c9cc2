//! Removes values that no output depends on.
//!
//! **Before**: a node that nobody reads and that is no graph output.
//!
//! **After**: nothing; operands that are left unread go with it. Graph inputs stay, they are the caller's.
//!
//! **Conditions**: none.
//!
//! **Formula**: none.
//!
//! **Source**: standard.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{NodeId, Op};

/// See the module documentation.
#[derive(Debug)]
pub struct DropDead;

impl Pass for DropDead {
    fn about(&self) -> About {
        About::new(
            "drop-dead",
            Guarantee::Exact,
            &[Phase::Canonical, Phase::Trainable, Phase::Cleanup],
            include_str!("drop_dead.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        match cx.graph.op(at) {
            Op::Input(_) => Err(Skip::NoMatch),
            _ if cx.graph.use_count(at) > 0 => Err(Skip::NoMatch),
            _ => Ok(Patch::removal(at)),
        }
    }
}
