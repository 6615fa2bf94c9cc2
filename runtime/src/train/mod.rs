//! Learning masks and training under them: teacher, search, tune.

pub mod attacked;
pub mod calm;
pub mod evaluate;
pub mod front;
mod hardest;
pub mod insert_norm;
pub mod learner;
pub mod learners;
pub mod loader;
pub mod loss;
pub mod model;
pub mod objective;
pub mod optimizer;
pub mod recipe;
pub mod record;
pub mod replicas;
pub mod scale;
pub mod schedule;
pub mod seen;
pub mod select;
pub mod sensitivity;
pub mod sparsity;
pub mod squares;
pub mod stage;
pub mod state;

pub use learner::Method;
pub use model::Model;
pub use recipe::{Counts, Kind, Recipe, SearchOptions};
pub use record::{Ended, Now, Record, StageError, Watcher};
pub use stage::Stage;
