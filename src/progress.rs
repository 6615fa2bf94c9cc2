//! Progress on stderr; nothing when quiet, one line that is rewritten when a person watches, objects where a program does.

use crate::plain::{plain, plain_json};
use crate::report::seconds;
use relinc_runtime::attack::auto;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two objects about the same step at least so much time passes.
const PAUSE: Duration = Duration::from_millis(100);

relinc_passes::words! {
    /// How progress is said.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Form ("progress") {
        /// For a person: lines, the last of which is rewritten on a terminal.
        #[default]
        Text = "text",
        /// For a program: a JSON object a line.
        Json = "json",
    }
}

/// Says what is being done.
#[derive(Debug)]
pub struct Progress {
    reader: Reader,
    state: RefCell<State>,
    /// How far all of the work is: a share, and the seconds that are left.
    whole: Cell<Option<(f64, Option<f64>)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// A file or a pipe.
    Log,
    Terminal,
    Program,
}

/// What a program is told. What is not known is absent.
#[derive(Debug, Default, Serialize)]
struct Told<'a> {
    text: &'a str,
    /// A line for the log; otherwise it takes the place of the one before.
    stays: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
    /// Of the whole work, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    /// Seconds until all of it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_s: Option<f64>,
}

#[derive(Debug)]
struct State {
    label: String,
    start: Instant,
    open: bool,
    /// When a program was told something last.
    told: Option<Instant>,
}

impl State {
    /// Puts another text in the place of the last line.
    fn rewrite(&mut self, whole: Option<(f64, Option<f64>)>, line: &str) {
        let mut err = std::io::stderr().lock();
        let whole = whole.map_or(String::new(), |(share, left)| bar(share, left) + "  ");
        let _ = write!(err, "\r\x1b[K{whole}{}", plain(line)).and_then(|()| err.flush());
        self.open = true;
    }
}

/// `[██████░░░░░░░░░░░░░░] 30 %, 12 min 5 s left`.
pub fn bar(share: f64, left: Option<f64>) -> String {
    const CELLS: usize = 20;
    let full = ((share * CELLS as f64) as usize).min(CELLS);
    let left = left.filter(|s| *s >= 0.5).map_or(String::new(), |s| format!(", {} left", seconds(s)));
    format!("[{}{}] {:.0} %{left}", "█".repeat(full), "░".repeat(CELLS - full), 100.0 * share)
}

impl Progress {
    /// Progress that prints unless `quiet`.
    pub fn new(quiet: bool, form: Form) -> Progress {
        let reader = match form {
            _ if quiet => Reader::Nobody,
            Form::Json => Reader::Program,
            Form::Text if std::io::stderr().is_terminal() => Reader::Terminal,
            Form::Text => Reader::Log,
        };
        let state = State { label: String::new(), start: Instant::now(), open: false, told: None };
        Progress { reader, state: RefCell::new(state), whole: Cell::default() }
    }

    /// Tells a program, which nothing can be done about when it does not listen.
    fn tell(&self, told: Told<'_>) {
        let (share, left_s) = self.whole.get().map_or((None, None), |(share, left)| (Some(share), left));
        if let Ok(object) = serde_json::to_string(&Told { share, left_s, ..told }) {
            let _ = writeln!(std::io::stderr().lock(), "{}", plain_json(&object));
        }
        self.state.borrow_mut().told = Some(Instant::now());
    }

    /// Was a program told something just now?
    fn just_told(&self) -> bool {
        self.state.borrow().told.is_some_and(|t| t.elapsed() < PAUSE)
    }

    /// A step without a count; shown only to a person who watches, and to a program.
    pub fn step(&self, label: &str) {
        self.count(label, 0, 0);
    }

    /// `done` of `total` of a step.
    pub fn count(&self, label: &str, done: usize, total: usize) {
        if self.reader == Reader::Nobody {
            return;
        }
        let another = self.state.borrow().label != label;
        if another {
            let mut s = self.state.borrow_mut();
            (s.label, s.start) = (label.into(), Instant::now());
        }
        let last = total > 0 && done == total;
        match self.reader {
            Reader::Program if another || last || !self.just_told() => {
                let (done, of) = (Some(done).filter(|_| total > 0), Some(total).filter(|&t| t > 0));
                self.tell(Told { text: label, done, of, ..Told::default() });
            }
            Reader::Terminal => {
                let line = self.counted(label, done, total);
                self.state.borrow_mut().rewrite(self.whole.get(), &line);
            }
            Reader::Log if last => {
                let line = self.counted(label, done, total);
                let _ = writeln!(std::io::stderr(), "{}", plain(&line));
            }
            Reader::Nobody | Reader::Log | Reader::Program => {}
        }
    }

    /// How far an attack is, under its name.
    pub fn attack(&self, label: &str, told: auto::Told) {
        match told {
            auto::Told::Expect(expected, n) => self.line(&format!(
                "{label}: {n} images to attack, about {} if all of them stand",
                seconds(expected)
            )),
            auto::Told::Step("", done, of) => self.count(label, done, of),
            auto::Told::Step(attack, done, of) => self.count(&format!("{label}, {attack}"), done, of),
        }
    }

    fn counted(&self, label: &str, done: usize, total: usize) -> String {
        let seconds = self.state.borrow().start.elapsed().as_secs_f64();
        match (done, total) {
            (_, 0) => label.to_string(),
            (d, t) if d < t => {
                format!("{label} {d}/{t}, {:.0} s left", seconds * (t - d) as f64 / d.max(1) as f64)
            }
            (d, t) => format!("{label} {d}/{t}, {seconds:.1} s"),
        }
    }

    /// How far all of the work is, from 0 to 1, and the seconds that are left; told with everything from here on.
    pub fn whole(&self, share: f64, left: Option<f64>) {
        self.whole.set(Some((share, left)));
    }

    /// A line that is rewritten; shown only to a person who watches, and to a program.
    pub fn live(&self, line: &str) {
        match self.reader {
            Reader::Terminal => self.state.borrow_mut().rewrite(self.whole.get(), line),
            Reader::Program if !self.just_told() => self.tell(Told { text: line, ..Told::default() }),
            Reader::Nobody | Reader::Log | Reader::Program => {}
        }
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        match self.reader {
            Reader::Nobody => {}
            Reader::Program => self.tell(Told { text: line, stays: true, ..Told::default() }),
            Reader::Terminal | Reader::Log => {
                self.finish();
                let _ = writeln!(std::io::stderr().lock(), "{}", plain(line));
            }
        }
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
