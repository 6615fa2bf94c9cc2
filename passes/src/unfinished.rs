//! What is half done on disk: temporary files, folders that were made for them, locks. Whoever makes such a thing marks it, and
//! who ends the process early calls [`abandon`].

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A thing that must not outlive the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A file.
    File(PathBuf),
    /// A folder and all that is in it.
    Tree(PathBuf),
    /// A folder, if nothing came into it.
    Empty(PathBuf),
}

#[derive(Debug)]
struct Marked {
    next: u64,
    things: Vec<(u64, Thing)>,
}

static MARKED: Mutex<Marked> = Mutex::new(Marked { next: 0, things: vec![] });

fn marked() -> MutexGuard<'static, Marked> {
    MARKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its thing is marked until it is dropped.
#[derive(Debug)]
pub struct Mark(u64);

impl Drop for Mark {
    fn drop(&mut self) {
        marked().things.retain(|(n, _)| *n != self.0);
    }
}

/// Makes something and marks what it is, with nothing in between. `make` must not mark anything itself.
///
/// # Errors
/// Those of `make`; nothing is marked then.
pub fn begin<T>(
    make: impl FnOnce() -> io::Result<T>,
    what: impl FnOnce(&T) -> Thing,
) -> io::Result<(T, Mark)> {
    let mut all = marked();
    let made = make()?;
    let n = all.next;
    all.next += 1;
    all.things.push((n, what(&made)));
    Ok((made, Mark(n)))
}

/// Finishes something, a rename for instance, and takes its mark off, with nothing in between.
pub fn end<T>(mark: Mark, finish: impl FnOnce() -> T) -> T {
    let mut all = marked();
    let done = finish();
    all.things.retain(|(n, _)| *n != mark.0);
    std::mem::forget(mark);
    done
}

/// Does work that [`abandon`] waits for. It must not mark anything itself.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let _held = marked();
    work()
}

/// Removes everything that is marked, the newest first. Whoever then begins or ends something waits for ever: only a process that
/// exits at once may call this.
pub fn abandon() {
    let mut all = marked();
    while let Some((_, thing)) = all.things.pop() {
        let _ = match &thing {
            Thing::File(path) => std::fs::remove_file(path),
            Thing::Tree(path) => std::fs::remove_dir_all(path),
            Thing::Empty(path) => std::fs::remove_dir(path),
        };
    }
    std::mem::forget(all);
}
