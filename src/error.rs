//! The ways a command can end other than well.

use std::fmt;

/// What commands return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command did not succeed; printed once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bad usage or bad input: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The work ran and the answer is no: exit code 1.
    #[error("{0}")]
    Answer(String),
    /// The work ran and its result cannot be printed: exit code 1.
    #[error("{0}")]
    Output(String),
    /// It was stopped, with this exit code: 128 and the signal's number.
    #[error("{0}")]
    Stopped(String, u8),
}

impl Error {
    /// Bad input, named by where it is.
    pub fn at(self, place: impl fmt::Display) -> Error {
        match self {
            Error::Input(why) => Error::Input(format!("{place}: {why}")),
            Error::Answer(_) | Error::Output(_) | Error::Stopped(..) => self,
        }
    }

    /// The process exit code.
    pub fn code(&self) -> u8 {
        match self {
            Error::Input(_) => 2,
            Error::Answer(_) | Error::Output(_) => 1,
            Error::Stopped(_, code) => *code,
        }
    }
}

/// Any displayable error as bad input.
pub fn input(e: impl fmt::Display) -> Error {
    Error::Input(e.to_string())
}
