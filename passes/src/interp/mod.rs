//! The f32 reference interpreter.

pub mod movement;
