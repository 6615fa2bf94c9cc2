//! Progress on stderr; nothing when quiet, one line that is rewritten when a person watches.

use crate::plain::plain;
use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Says what is being done.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    terminal: bool,
    state: RefCell<State>,
    /// How far all of the work is.
    whole: RefCell<String>,
}

#[derive(Debug)]
struct State {
    label: String,
    start: Instant,
    open: bool,
}

impl State {
    /// Puts another text in the place of the last line.
    fn rewrite(&mut self, whole: &str, line: &str) {
        let mut err = std::io::stderr().lock();
        let gap = if whole.is_empty() { "" } else { "  " };
        let _ = write!(err, "\r\x1b[K{whole}{gap}{}", plain(line)).and_then(|()| err.flush());
        self.open = true;
    }
}

impl Progress {
    /// Progress that prints unless `quiet`.
    pub fn new(quiet: bool) -> Progress {
        let state = State { label: String::new(), start: Instant::now(), open: false };
        Progress {
            quiet,
            terminal: std::io::stderr().is_terminal(),
            state: RefCell::new(state),
            whole: RefCell::default(),
        }
    }

    /// A step without a count; shown only to a person who watches.
    pub fn step(&self, label: &str) {
        self.count(label, 0, 0);
    }

    /// `done` of `total` of a step.
    pub fn count(&self, label: &str, done: usize, total: usize) {
        if self.quiet {
            return;
        }
        let mut s = self.state.borrow_mut();
        if s.label != label {
            *s = State { label: label.into(), start: Instant::now(), open: s.open };
        }
        let seconds = s.start.elapsed().as_secs_f64();
        let line = match (done, total) {
            (_, 0) => label.to_string(),
            (d, t) if d < t => {
                format!("{label} {d}/{t}, {:.0} s left", seconds * (t - d) as f64 / d.max(1) as f64)
            }
            (d, t) => format!("{label} {d}/{t}, {seconds:.1} s"),
        };
        if self.terminal {
            s.rewrite(&self.whole.borrow(), &line);
        } else if total > 0 && done == total {
            let _ = writeln!(std::io::stderr(), "{}", plain(&line));
        }
    }

    /// How far all of the work is, before every line that is rewritten from here on.
    pub fn whole(&self, bar: &str) {
        *self.whole.borrow_mut() = bar.into();
    }

    /// A line that is rewritten; shown only to a person who watches.
    pub fn live(&self, line: &str) {
        if !self.quiet && self.terminal {
            self.state.borrow_mut().rewrite(&self.whole.borrow(), line);
        }
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        if self.quiet {
            return;
        }
        self.finish();
        let _ = writeln!(std::io::stderr().lock(), "{}", plain(line));
    }

    /// Clears the line, before results are printed.
    pub fn finish(&self) {
        let mut s = self.state.borrow_mut();
        if s.open {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
            s.open = false;
        }
    }
}
