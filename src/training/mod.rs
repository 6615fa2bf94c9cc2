//! Stages of a run.
