//! Both ends of a service on this machine: a server, a client and who else belongs to the protocol, each a process, with TLS.

use super::dealing::Dealer;
use super::document::Traffic;
use super::{Job, spu_name};
use crate::error::{Error, Result, input};
use crate::python;
use relinc_dealer::certificates;
use relinc_dealer::{Key, Tls};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that is ended when it is dropped; what it has started ends with it.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the parties are, and their certificates.
struct Parties<'a> {
    job: &'a Job,
    protocol: &'static str,
    spu: PathBuf,
    work: &'a Path,
    /// Of server, client and helper.
    at: Vec<String>,
    dealer: Option<Dealer>,
}

/// Serves queries of so many sample images and returns what the server's log says of each: rank 0's bytes, actions and seconds.
///
/// # Errors
/// The artefact has no folders for parties, or they do not answer.
pub fn answered(job: &Job, queries: u64) -> Result<Vec<Traffic>> {
    let protocol = spu_name(&job.protocol)?;
    let spu = job.dir.join("spu");
    for needed in ["public/manifest.json", "server/serve.py", "client/query.py"] {
        if !spu.join(needed).is_file() {
            return Err(input(format!("{}: missing; compile with --target spu", spu.join(needed).display())));
        }
    }
    let work = tempfile::tempdir().map_err(python::no_room)?;
    for file in certificates::make(1, &[]).map_err(input)? {
        let path = work.path().join(&file.path);
        let folder = path.parent().unwrap_or(work.path());
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, &file.content))
            .map_err(python::no_room)?;
    }
    let dealer = match protocol {
        "semi2k" => {
            let folder = work.path().join("dealer");
            let tls = Tls::read(&folder).map_err(input)?;
            Some(Dealer::start(Key::read(&folder.join("dealer.pem")).map_err(input)?, Some(tls))?)
        }
        _ => None,
    };
    let p = Parties { job, protocol, spu, work: work.path(), at: free(3)?, dealer };
    let images = work.path().join("images.npy");
    repeat(&p.spu.join("sample_input.npy"), &images, queries as usize)?;
    let log = work.path().join("server.log");
    let helper = (protocol == "aby3").then(|| p.at[2].as_str());
    let third: Vec<&str> = helper.iter().flat_map(|at| ["--helper", at]).collect();
    let _server =
        p.start("server/serve.py", 0, "server", &[&["--peer", &p.at[1]], &third[..]].concat(), &log)?;
    let to = ["--server", &p.at[0], "--peer", &p.at[1]];
    let _helper = match helper {
        Some(_) => {
            Some(p.start("helper/help_party.py", 2, "helper", &to, &work.path().join("helper.log"))?)
        }
        None => None,
    };
    let mut client = p.command("client/query.py", 1, "client");
    client
        .args(["--peer", &p.at[0], "--json", "--patience", &job.timeout.to_string(), "--input"])
        .arg(&images);
    client.args(&third);
    let ended = python::run(&mut client, Duration::from_secs(job.timeout))?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    match ended.status.and_then(|s| s.code()) {
        Some(0) => Ok(said.lines().filter_map(query).collect()),
        Some(2) => Err(input(ended.complaint())),
        Some(_) => Err(Error::Answer(format!("{}\nthe server said:\n{said}", ended.complaint()))),
        None => {
            Err(Error::Answer(format!("not answered within {} s; the server said:\n{said}", job.timeout)))
        }
    }
}

impl Parties<'_> {
    fn command(&self, script: &str, rank: usize, role: &str) -> Command {
        let mut c = Command::new(&self.job.python);
        c.arg(self.spu.join(script)).args(["--protocol", self.protocol, "--listen", &self.at[rank], "--tls"]);
        c.arg(self.work.join(role)).args(["--timeout", &self.job.timeout.to_string()]);
        if let Some(d) = &self.dealer {
            c.args(["--dealer", &d.address, "--dealer-key"]).arg(self.work.join(role).join("dealer.pub.pem"));
        }
        c
    }

    fn start(&self, script: &str, rank: usize, role: &str, more: &[&str], log: &Path) -> Result<Service> {
        let log = File::create(log).map_err(python::no_room)?;
        let mut command = self.command(script, rank, role);
        command.args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let cannot = |e: std::io::Error| input(format!("{}: cannot be started: {e}", self.job.python));
        command.spawn().map(Service).map_err(cannot)
    }
}

/// Addresses that nobody has.
fn free(count: usize) -> Result<Vec<String>> {
    let taken: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<_>>()
        .map_err(input)?;
    taken.iter().map(|l| l.local_addr().map(|a| a.to_string())).collect::<std::io::Result<_>>().map_err(input)
}

/// Writes so many images of a .npy file of f32 `[N, …]`, its own over and over.
fn repeat(from: &Path, to: &Path, count: usize) -> Result<()> {
    let bad = |why: &str| input(format!("{}: {why}; compile again", from.display()));
    let bytes = std::fs::read(from).map_err(|e| bad(&e.to_string()))?;
    let length = bytes.get(8..10).map_or(0, |b| usize::from(b[0]) | usize::from(b[1]) << 8);
    let header = bytes.get(10..10 + length).map(String::from_utf8_lossy);
    let shape = header.as_deref().and_then(|h| h.split_once("'shape': (")?.1.split_once(')'));
    let dims: Option<Vec<usize>> = shape.and_then(|(s, _)| {
        s.split(',').map(str::trim).filter(|d| !d.is_empty()).map(|d| d.parse().ok()).collect()
    });
    let (Some(mut dims), data) = (dims, &bytes[(10 + length).min(bytes.len())..]) else {
        return Err(bad("is no .npy file"));
    };
    let image = 4 * dims.iter().skip(1).product::<usize>();
    if dims.is_empty() || image == 0 || data.len() < image {
        return Err(bad("holds no image"));
    }
    let images: Vec<&[u8]> = data.chunks_exact(image).collect();
    dims[0] = count;
    let mut out = relinc_passes::npy::header(relinc_passes::ir::DType::F32, &dims);
    (0..count).for_each(|i| out.extend_from_slice(images[i % images.len()]));
    std::fs::write(to, out).map_err(python::no_room)
}

/// A line of the server's log about a query: `… query 3: sent 1,234 B, received 5 B in 8 actions (…), 0.12 s`.
fn query(line: &str) -> Option<Traffic> {
    let (_, said) = line.split_once(": query ")?;
    let number = |after: &str, before: &str| -> Option<u64> {
        said.split_once(after)?.1.split_once(before)?.0.replace(',', "").parse().ok()
    };
    Some(Traffic {
        sent_bytes: number(": sent ", " B")?,
        recv_bytes: number("received ", " B")?,
        send_actions: number(" in ", " actions")?,
        seconds: said.rsplit_once(", ")?.1.strip_suffix(" s")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_servers_log_is_read() {
        let line = "2026-01-02T03:04:05Z client 127.0.0.1:9800: query 21: sent 15,824,424 B, received 1,002 B in 192 actions \
                    (predicted: sent 15,824,424 B), 2.03 s";
        let t = query(line).unwrap();
        assert_eq!((t.sent_bytes, t.recv_bytes, t.send_actions, t.seconds), (15_824_424, 1_002, 192, 2.03));
        assert!(query("2026-01-02T03:04:05Z client 127.0.0.1:9800: left").is_none());
    }

    #[test]
    fn images_are_asked_over_and_over() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.npy"), dir.path().join("b.npy"));
        let header = relinc_passes::npy::header(relinc_passes::ir::DType::F32, &[2, 3]);
        let data: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
        std::fs::write(&from, [&header[..], &data].concat()).unwrap();
        repeat(&from, &to, 3).unwrap();
        let out = std::fs::read(&to).unwrap();
        assert!(String::from_utf8_lossy(&out).contains("(3, 3,"));
        assert!(out.ends_with(&data[..12]) && out.len() % 64 == 36);
        std::fs::write(&from, "x").unwrap();
        assert!(repeat(&from, &to, 3).is_err());
    }
}
