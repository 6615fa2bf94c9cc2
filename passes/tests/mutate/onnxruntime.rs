//! Whether onnxruntime reads a file, where `RELINC_PYTHON` names an interpreter that has it.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Reader {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

thread_local! {
    /// Not asked yet, or what answers, if anything does.
    static READER: RefCell<Option<Option<Reader>>> = const { RefCell::new(None) };
}

impl Reader {
    fn start() -> Option<Reader> {
        let mut child = Command::new(std::env::var_os("RELINC_PYTHON")?)
            .args(["-c", include_str!("onnxruntime.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (to, from) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut r = Reader { _child: child, to, from };
        (r.line()? == "ready").then_some(r)
    }

    fn line(&mut self) -> Option<String> {
        let mut said = String::new();
        let n = self.from.read_line(&mut said).ok()?;
        (n > 0).then(|| said.trim_end().to_string())
    }

    /// What it says of a file; `None` if it died of it.
    fn says(&mut self, file: &Path) -> Option<String> {
        writeln!(self.to, "{}", file.display()).ok()?;
        self.line()
    }
}

/// Why onnxruntime does not read a file; `None` where it does, or where there is none.
pub fn refuses(file: &Path) -> Option<String> {
    READER.with_borrow_mut(|r| {
        let reader = r.get_or_insert_with(Reader::start).as_mut()?;
        let Some(said) = reader.says(file) else {
            *r = None;
            return Some("it died".into());
        };
        (!said.is_empty()).then_some(said)
    })
}
