//! The textual form `.pir`: grammar and meaning in `specs/ir.md`.

mod lex;
mod literal;
mod parse;
mod print;

pub use parse::{ParseError, parse};
pub use print::{Constants, print};
