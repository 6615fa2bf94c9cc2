//! One process at a time writes to a folder: a file that says who, and that its holder touches while it lives.

use crate::error::{Error, Result, input};
use crate::progress::Progress;
use relinc_passes::unfinished::{self, Mark, Thing};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the holder touches its lock.
const BEAT: Duration = Duration::from_secs(20);
/// A lock that was not touched for so long has no holder any more.
const STALE: Duration = Duration::from_secs(300);

/// Who works in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    /// What it does there.
    does: String,
    host: String,
    pid: u32,
    /// Process numbers mean something within one of these.
    namespace: Option<String>,
    /// Seconds since 1970.
    since: u64,
}

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    me: Holder,
    mark: Option<Mark>,
    /// Folders made for it, outermost first, removed again when nothing else came into them.
    made: Vec<(PathBuf, Mark)>,
    beat: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Lock {
    /// Takes the lock for what the process `does`, in a folder that is made where it is missing. `stop` is set when another process
    /// takes it over, which happens to one that was asleep for long.
    pub fn take(path: &Path, does: &str, stop: Arc<AtomicBool>, progress: &Progress) -> Result<Lock> {
        let me = Holder::me(does);
        let folder = path.parent().unwrap_or(Path::new("."));
        let fail = |e: io::Error| {
            input(format!("{}: cannot be written: {e}; choose another folder", folder.display()))
        };
        let mut made = vec![];
        let missing = folder.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        for p in missing.collect::<Vec<_>>().into_iter().rev() {
            match unfinished::begin(|| fs::create_dir(p), |()| Thing::Empty(p.into())) {
                Ok(((), mark)) => made.push((p.to_path_buf(), mark)),
                // Another process was faster.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => {
                    made.into_iter().rev().for_each(remove_empty);
                    return Err(fail(e));
                }
            }
        }
        let mut lock = Lock { path: path.into(), me, mark: None, made, beat: None };
        while !lock.create().map_err(fail)? {
            let Some((holder, text)) = read(path).map_err(fail)? else { continue };
            let idle = idle(path).map_err(fail)?;
            if !holder.as_ref().is_some_and(Holder::is_gone) && idle < STALE {
                return Err(refusal(path, holder.as_ref()));
            }
            if take_away(path, &text).map_err(fail)? {
                progress.line(&format!(
                    "{}: {} left it locked and is gone; taking over",
                    path.display(),
                    name(holder.as_ref())
                ));
            }
        }
        let (end, ended) = channel();
        let (file, mine) = (path.to_path_buf(), lock.me.clone());
        let beat = spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(BEAT) {
                if !touch(&file, &mine) {
                    stop.store(true, Ordering::SeqCst);
                    return;
                }
            }
        });
        lock.beat = Some((end, beat));
        Ok(lock)
    }

    /// Writes the lock, whole, unless there is one.
    fn create(&mut self) -> io::Result<bool> {
        match unfinished::begin(|| create(&self.path, &self.me), |()| Thing::File(self.path.clone())) {
            Ok(((), mark)) => self.mark = Some(mark),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        Ok(self.mark.is_some())
    }

    /// Does this process hold the lock at a path?
    pub fn is_held_here(path: &Path) -> bool {
        let me = Holder::me("");
        let held = read(path).ok().flatten().and_then(|(holder, _)| holder);
        held.is_some_and(|h| (h.pid, &h.host, &h.namespace) == (me.pid, &me.host, &me.namespace))
    }

    /// Is it still this process's?
    pub fn is_mine(&self) -> bool {
        read(&self.path).is_ok_and(|r| r.is_some_and(|(h, _)| h.as_ref() == Some(&self.me)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.beat.take() {
            drop(end);
            let _ = thread.join();
        }
        if let Some(mark) = self.mark.take() {
            unfinished::end(mark, || {
                if self.is_mine() {
                    let _ = fs::remove_file(&self.path);
                }
            });
        }
        self.made.drain(..).rev().for_each(remove_empty);
    }
}

/// Removes a folder that was made, if nothing came into it.
fn remove_empty((path, mark): (PathBuf, Mark)) {
    let _ = unfinished::end(mark, || fs::remove_dir(path));
}

impl Holder {
    fn me(does: &str) -> Holder {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Holder { does: does.into(), host: host(), pid: std::process::id(), namespace: namespace(), since }
    }

    /// Is it a process of this machine that does not exist any more?
    fn is_gone(&self) -> bool {
        let here = self.host == host() && self.namespace == namespace() && self.namespace.is_some();
        here && !Path::new("/proc").join(self.pid.to_string()).exists()
    }
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|n| n.trim().to_string()).filter(|n| !n.is_empty()).unwrap_or_else(|| "an unknown host".into())
}

fn namespace() -> Option<String> {
    Some(fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned())
}

/// Writes a lock, whole; an error of its own kind where there is one.
fn create(path: &Path, me: &Holder) -> io::Result<()> {
    let text = serde_json::to_string(me)?;
    let mut tmp = beside(path)?;
    tmp.write_all(text.as_bytes())?;
    match tmp.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(e.error),
        // Storage without links: the lock appears before its text does.
        Err(_) => {
            let file = fs::File::options().write(true).create_new(true).open(path);
            file.and_then(|mut f| f.write_all(text.as_bytes()))
        }
    }
}

fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".relinc-").tempfile_in(path.parent().unwrap_or(Path::new(".")))
}

/// The holder and the text that names it; nothing where there is no lock.
fn read(path: &Path) -> io::Result<Option<(Option<Holder>, String)>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((serde_json::from_str(&text).ok(), text))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Since when it was not touched, by the clock of the machine that keeps the files.
fn idle(path: &Path) -> io::Result<Duration> {
    let now = beside(path)?.as_file().metadata()?.modified()?;
    match fs::metadata(path) {
        Ok(m) => Ok(now.duration_since(m.modified()?).unwrap_or_default()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Duration::ZERO),
        Err(e) => Err(e),
    }
}

/// Removes the lock that says `text`. Another job may have been faster and hold it by now: then it gets its lock back.
fn take_away(path: &Path, text: &str) -> io::Result<bool> {
    let aside = beside(path)?.into_temp_path();
    if fs::rename(path, &aside).is_err() {
        return Ok(false);
    }
    if fs::read_to_string(&aside)? == text {
        return Ok(true);
    }
    match aside.persist_noclobber(path) {
        Ok(()) => Ok(false),
        Err(e) => Err(e.error),
    }
}

/// Writes the lock again; false when it is another's.
fn touch(path: &Path, me: &Holder) -> bool {
    match read(path) {
        Ok(Some((Some(h), text))) if h == *me => {
            let file = fs::File::options().write(true).open(path);
            let _ = file.and_then(|mut f| f.write_all(text.as_bytes()));
            true
        }
        Ok(Some(_)) => false,
        // Gone or out of reach: a person may have removed it, a file server may be busy.
        Ok(None) | Err(_) => true,
    }
}

fn name(h: Option<&Holder>) -> String {
    h.map_or("an unknown job".into(), |h| format!("process {} on {} ({})", h.pid, h.host, h.does))
}

fn refusal(path: &Path, h: Option<&Holder>) -> Error {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let minutes = h.map_or(0, |h| now.saturating_sub(h.since) / 60);
    input(format!(
        "another job works in {}: {}, for {minutes} min; wait for it. If it is gone, its lock lapses within {} min, or remove {}",
        path.parent().unwrap_or(Path::new("")).display(),
        name(h),
        STALE.as_secs() / 60,
        path.display()
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::progress::Form;

    fn take(path: &Path) -> Result<Lock> {
        Lock::take(path, "search", Arc::default(), &Progress::new(true, Form::Text))
    }

    fn place(path: &Path, h: &Holder) {
        fs::write(path, serde_json::to_string(h).unwrap()).unwrap();
    }

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = take(&path).unwrap();
        let said = take(&path).map(|_| ()).unwrap_err().to_string();
        assert!(
            said.contains(&format!("process {}", std::process::id())) && said.contains("(search)"),
            "{said}"
        );
        drop(first);
        assert!(!path.exists());
        assert!(take(&path).is_ok());
    }

    #[test]
    fn the_lock_of_a_dead_process_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        place(&path, &Holder { pid: u32::MAX, ..Holder::me("tune") });
        assert!(take(&path).is_ok());
    }

    #[test]
    fn another_machine_s_lock_lapses_when_nobody_touches_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        place(&path, &Holder { host: "elsewhere".into(), pid: u32::MAX, ..Holder::me("tune") });
        let said = take(&path).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("elsewhere") && said.contains("remove"), "{said}");
        let long_ago = SystemTime::now() - 2 * STALE;
        let touched = fs::File::options().write(true).open(&path).and_then(|f| f.set_modified(long_ago));
        assert!(touched.is_ok() && take(&path).is_ok());
    }

    #[test]
    fn only_the_lock_that_was_seen_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        place(&path, &Holder::me("search"));
        assert!(take_away(&path, "what another had written").is_ok_and(|taken| !taken));
        assert!(path.exists());
    }
}
