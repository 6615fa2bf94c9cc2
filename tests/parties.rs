//! Two organisations: folders by owner, certificates, the dealer, and a server and a client that meet.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use common::{emit, files, json, python, relinc, relinc_in_a_terminal, run};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NETWORK: &str = "graph small {\n  %x = input f32[N,3,8,8]\n  %w = const f32[4,3,3,3] rand(seed=1, scale=0.5)\n  \
    %c = conv(%x, %w) {pads=[1,1,1,1]}\n  %r = relu(%c)\n  %g = global_mean(%r) {keep=false}\n  \
    %v = const f32[5,4] rand(seed=2)\n  %y = linear(%g, %v)\n  output \"y\" = %y\n}";

/// Compiles the small network for SPU; its folder `spu`.
fn compiled(dir: &Path, network: &str, name: &str, more: &[&str]) -> PathBuf {
    let model = emit(dir, &format!("{name}.onnx"), network);
    let out = dir.join(name);
    let (model, out_text) = (model.display().to_string(), out.display().to_string());
    let done = run(&[&["compile", &model, "-o", &out_text, "--target", "spu"], more].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    out.join("spu")
}

fn refused(args: &[&str], says: &[&str]) {
    let done = run(args);
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{args:?}: {err}");
    says.iter().for_each(|w| assert!(err.contains(w), "{args:?}: '{w}' is missing in: {err}"));
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A port that nobody has.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A process that is ended with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    fn term(&mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it does not end");
    }
}

/// What a path answers, once somebody listens there.
fn get(address: &str, path: &str) -> String {
    let start = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(e) => assert!(start.elapsed() < Duration::from_secs(120), "{address}: {e}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Waits until a server waits for its client again.
fn waits_for_its_client(health: &str) {
    let start = Instant::now();
    loop {
        let answer = get(health, "/health");
        if answer.contains("200 OK") && answer.contains("\"waiting\"") {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{answer}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn weights_lie_in_the_servers_folder_only() {
    let dir = tempfile::tempdir().unwrap();
    let spu = compiled(dir.path(), NETWORK, "out", &["--protocol", "aby3", "--protocol", "cheetah"]);
    for needed in ["public/manifest.json", "public/model.mlir", "client/query.py", "helper/help_party.py"] {
        assert!(spu.join(needed).is_file(), "{needed}");
    }
    let weights = fs::read(spu.join("server/weights.npz")).unwrap();
    let inode = |f: &str| fs::metadata(spu.join(f)).unwrap().ino();
    assert_eq!(inode("server/weights.npz"), inode("weights.npz"), "stored twice");
    // Values of weights, in the middle of the archive.
    let known = &weights[200..216];
    let holds = |f: &PathBuf| fs::read(f).unwrap().windows(16).any(|w| w == known);
    assert!(holds(&spu.join("server/weights.npz")));
    for folder in ["public", "client", "helper"] {
        for file in files(&spu.join(folder)) {
            assert!(!holds(&spu.join(folder).join(&file)), "{folder}/{file} holds weights");
        }
    }
    let two = compiled(dir.path(), NETWORK, "two", &["--protocol", "cheetah"]);
    assert!(!two.join("helper").exists());
}

#[test]
fn clients_are_told_normalisation_and_classes() {
    let dir = tempfile::tempdir().unwrap();
    let network = NETWORK.replace("8,8", "32,32").replace("f32[5,4]", "f32[10,4]");
    let spu =
        compiled(dir.path(), &network, "out", &["--protocol", "cheetah", "--data", "shapes", "--limit", "8"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(spu.join("public/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["normalize"]["mean"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["classes"].as_array().unwrap().len(), 10);
    assert_eq!(manifest["files"]["model.mlir"].as_str().unwrap().len(), 64);
}

#[test]
fn certificates_are_written_once_and_keys_are_secret() {
    let dir = tempfile::tempdir().unwrap();
    let tls = dir.path().join("tls");
    let made = json(&["certificates", "-o", &text(&tls), "--name", "10.1.1.1"]);
    let secret: Vec<&str> = made["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["secret"] == true)
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        secret,
        ["server/key.pem", "client/key.pem", "helper/key.pem", "dealer/key.pem", "dealer/dealer.pem"]
    );
    for file in files(&tls) {
        let mode = fs::metadata(tls.join(&file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if secret.contains(&file.as_str()) { 0o600 } else { 0o644 }, "{file}");
    }
    let before = fs::read(tls.join("server/key.pem")).unwrap();
    refused(&["certificates", "-o", &text(&tls)], &["is there already"]);
    assert_eq!(fs::read(tls.join("server/key.pem")).unwrap(), before);
}

#[test]
fn a_dealer_is_well_until_it_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (tls, listen) = (dir.path().join("tls"), free());
    json(&["certificates", "-o", &text(&tls)]);
    let key = text(&tls.join("dealer/dealer.pem"));
    let mut dealer = relinc_in_a_terminal();
    dealer
        .args(["--json", "dealer", "--listen", &listen, "--key", &key])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut dealer = Service(dealer.spawn().unwrap());
    assert!(get(&listen, "/health").contains("200 OK"));
    refused(&["dealer", "--listen", &listen, "--key", &key], &[&listen, "take another port"]);
    refused(
        &["dealer", "--listen", &listen, "--key", &text(&tls.join("ca.pem"))],
        &["ca.pem", "no SM2 private key"],
    );
    refused(&["dealer", "--listen", &listen, "--key", &key, "--tls", &text(dir.path())], &["cert.pem"]);
    assert_eq!(dealer.term(), Some(0));
    let mut said = String::new();
    dealer.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["answered"], 0);
}

#[test]
fn what_compile_did_not_write_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    for (command, script) in [("serve", "serve.py"), ("query", "query.py"), ("help-party", "help_party.py")] {
        fs::create_dir_all(dir.path().join("public")).unwrap();
        fs::write(dir.path().join("public/manifest.json"), "{}").unwrap();
        refused(&[command, &text(dir.path()), "--protocol", "cheetah"], &[script, "relinc compile"]);
        refused(&[command, &text(&dir.path().join("public"))], &["public/manifest.json"]);
    }
}

/// A party's folder as it is handed over, and nothing else.
fn handed(spu: &Path, to: &Path, party: &str) -> String {
    for folder in ["public", party] {
        fs::create_dir_all(to.join(folder)).unwrap();
        for file in files(&spu.join(folder)) {
            fs::copy(spu.join(folder).join(&file), to.join(folder).join(&file)).unwrap();
        }
    }
    text(to)
}

#[test]
fn options_that_cannot_be_are_refused_by_the_runners() {
    let Some(_) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let spu = compiled(dir.path(), NETWORK, "out", &["--protocol", "semi2k"]);
    let server = handed(&spu, &dir.path().join("server"), "server");
    let serve = |more: &[&str], says: &[&str]| {
        let common = ["serve", &server, "--listen", "127.0.0.1:9", "--peer", "127.0.0.1:10"];
        refused(&[&common[..], more].concat(), says);
    };
    serve(&["--protocol", "cheetah", "--insecure-link"], &["planned for semi2k", "--protocol spu-cheetah"]);
    serve(&["--protocol", "semi2k", "--insecure-link"], &["--dealer", "--insecure-dealer"]);
    serve(&["--protocol", "semi2k", "--insecure-dealer"], &["--tls DIR"]);
    serve(&["--protocol", "spu-semi2k", "--insecure-dealer", "--tls", &server], &["cert.pem is missing"]);
    fs::write(dir.path().join("server/public/model.mlir"), "other").unwrap();
    serve(&["--protocol", "semi2k", "--insecure-dealer", "--insecure-link"], &["model.mlir is not the one"]);
}

#[test]
fn a_server_and_a_client_meet_with_a_dealer() {
    let Some(_) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let spu = compiled(dir.path(), NETWORK, "out", &["--protocol", "semi2k"]);
    let other = compiled(
        dir.path(),
        &NETWORK.replace("pads=[1,1,1,1]", "pads=[1,1,1,1], strides=[2,2]"),
        "other",
        &["--protocol", "semi2k"],
    );
    let server = handed(&spu, &dir.path().join("server"), "server");
    let client = handed(&spu, &dir.path().join("client"), "client");
    let stranger = handed(&other, &dir.path().join("stranger"), "client");
    let tls = dir.path().join("tls");
    json(&["certificates", "-o", &text(&tls)]);
    let of = |party: &str| text(&tls.join(party));
    let (dealing, here, there, health) = (free(), free(), free(), free());
    let key = text(&tls.join("dealer/dealer.pem"));
    let dealer = relinc()
        .args(["--quiet", "dealer", "--listen", &dealing, "--key", &key, "--tls", &of("dealer")])
        .stdout(Stdio::null())
        .spawn();
    let _dealer = Service(dealer.unwrap());
    let public = text(&tls.join("client/dealer.pub.pem"));
    let common = ["--protocol", "semi2k", "--dealer", &dealing, "--dealer-key", &public, "--timeout", "60"];
    let (log, temporary) = (dir.path().join("log"), dir.path().join("tmp"));
    fs::create_dir(&temporary).unwrap();
    let mut serve = relinc_in_a_terminal();
    serve.env("TMPDIR", &temporary);
    serve.args(["serve", &server]).args(common).args([
        "--listen",
        &here,
        "--peer",
        &there,
        "--tls",
        &of("server"),
        "--health",
        &health,
    ]);
    let mut service = Service(serve.stderr(fs::File::create(&log).unwrap()).spawn().unwrap());
    assert!(get(&health, "/health").contains("\"queries\": 0"));

    let images = text(&spu.join("sample_input.npy"));
    let query = |folder: &str, tls: &str| {
        let mut query = relinc();
        query.args(["--json", "query", folder]).args(common).env("TMPDIR", &temporary);
        query.args([
            "--listen",
            &there,
            "--peer",
            &here,
            "--tls",
            tls,
            "--input",
            &images,
            "--patience",
            "120",
        ]);
        query.output().unwrap()
    };
    let done = query(&client, &of("client"));
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stderr),
        fs::read_to_string(&log).unwrap()
    );
    let got: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let images_asked = got["images"].as_array().unwrap().len();
    let python = python().unwrap();
    let simulated = Command::new(python)
        .arg(spu.join("run.py"))
        .args(["--protocol", "semi2k", "--json", "--n", &images_asked.to_string()])
        .output()
        .unwrap();
    let simulated: serde_json::Value = serde_json::from_slice(&simulated.stdout).unwrap();
    for (image, want) in
        got["images"].as_array().unwrap().iter().zip(simulated["outputs"].as_array().unwrap())
    {
        for (a, b) in image["scores"].as_array().unwrap().iter().zip(want.as_array().unwrap()) {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-2, "{image} {want}");
        }
    }
    let sent = |v: &serde_json::Value| (v["sent_bytes"].clone(), v["send_actions"].clone());
    let measured = got["queries"].as_array().unwrap().iter().map(sent);
    assert!(measured.eq(simulated["per_image"].as_array().unwrap().iter().map(sent)));

    // Another program: both sides say so, and the server stays. Nobody waits between two sessions.
    let done = query(&stranger, &of("client"));
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{err}");
    let said = || fs::read_to_string(&log).unwrap();
    assert!(err.contains("the server has another program"), "{err}{}", said());
    let done = query(&client, &of("client"));
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stderr), said());
    assert_eq!(service.term(), Some(0));
    assert_eq!(files(&temporary), Vec::<String>::new(), "files are left");
    let said = said();
    for words in [
        "The dealer must not collude",
        "connected",
        "query 1: sent",
        "left",
        "the client has another program",
        "ending",
    ] {
        assert!(said.contains(words), "'{words}' is missing in: {said}");
    }
}

#[test]
fn callers_without_an_accepted_certificate_are_not_let_in() {
    let Some(_) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let spu = compiled(dir.path(), NETWORK, "out", &["--protocol", "semi2k"]);
    let server = handed(&spu, &dir.path().join("server"), "server");
    let client = handed(&spu, &dir.path().join("client"), "client");
    let made = |name: &str, more: &[&str]| {
        let tls = dir.path().join(name);
        json(&[&["certificates", "-o", &text(&tls)], more].concat());
        tls
    };
    let (tls, other, expired) = (made("tls", &[]), made("other", &[]), made("expired", &["--days", "0"]));
    let (here, there, health) = (free(), free(), free());
    let common = ["--protocol", "semi2k", "--insecure-dealer"];
    let log = dir.path().join("log");
    let mut serve = relinc_in_a_terminal();
    serve
        .args(["serve", &server])
        .args(common)
        .args(["--listen", &here, "--peer", &there, "--health", &health]);
    serve.args(["--tls", &text(&tls.join("server"))]).stderr(fs::File::create(&log).unwrap());
    let mut service = Service(serve.spawn().unwrap());
    waits_for_its_client(&health);
    let images = text(&spu.join("sample_input.npy"));
    let query = |tls: &Path, says: &[&str]| {
        let mut query = relinc();
        query
            .args(["query", &client])
            .args(common)
            .args(["--listen", &there, "--peer", &here, "--input", &images]);
        let done = query.args(["--patience", "5", "--tls", &text(&tls.join("client"))]).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{err}");
        says.iter().for_each(|w| assert!(err.contains(w), "'{w}' is missing in: {err}"));
    };
    query(&other, &["certificate is not accepted"]);
    // Certificates are read for each meeting.
    for file in files(&expired.join("server")) {
        fs::copy(expired.join("server").join(&file), tls.join("server").join(&file)).unwrap();
    }
    query(&expired, &["certificate is not accepted", "expired"]);
    for data in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0, 200], &[0; 70_000]] {
        let mut stream = TcpStream::connect(&here).unwrap();
        let _ = stream.write_all(data);
    }
    waits_for_its_client(&health);
    assert_eq!(service.term(), Some(0));
    let said = fs::read_to_string(&log).unwrap();
    for words in ["NOT PRIVATE", "was not let in", "expired"] {
        assert!(said.contains(words), "'{words}' is missing in: {said}");
    }
}

#[test]
fn the_guide_to_deployment_can_be_walked() {
    let Some(python) = python() else { return };
    let pillow = Command::new(&python).args(["-c", "import PIL"]).stderr(Stdio::null()).status().unwrap();
    if !pillow.success() {
        return eprintln!("skipped: Pillow is missing");
    }
    let walk = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parties/walk.py");
    let done = Command::new("env")
        .args(["--default-signal=INT,TERM,HUP", &python, "-B", walk, env!("CARGO_BIN_EXE_relinc")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(!said.contains("FAIL"), "{said}");
}
