//! Requests that nobody should send, and peers that nobody should be.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Dealer, post, read_response, unframe};
use rand::{Rng, RngCore, SeedableRng};
use relinc_dealer::{Event, Limits};
use serde_json::json;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

const METHODS: [&str; 10] = [
    "AdjustMul",
    "AdjustMulPriv",
    "AdjustSquare",
    "AdjustDot",
    "AdjustAnd",
    "AdjustTrunc",
    "AdjustTruncPr",
    "AdjustRandBit",
    "AdjustEqz",
    "AdjustPerm",
];

fn good(dealer: &Dealer, method: &str) -> serde_json::Value {
    let hidden = [dealer.hide(&[1; 16]), dealer.hide(&[2; 16])];
    let operands = match method {
        "AdjustMul" | "AdjustDot" | "AdjustAnd" | "AdjustTruncPr" => 3,
        "AdjustRandBit" => 1,
        _ => 2,
    };
    let input = |i| json!({"prg_count": i * 100, "buffer_len": 128, "encrypted_seeds": hidden});
    json!({"prg_inputs": (0..operands).map(input).collect::<Vec<_>>(), "field_size": 8, "bits": 13, "M": 4, "N": 4, "K": 4,
        "transpose_inputs": [false, false, false], "perm": {"prg_count": 7, "size": 16, "encrypted_seeds": hidden[0]}})
}

/// Resident memory in KiB.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

/// It still answers.
fn lives(dealer: &Dealer) {
    let body = good(dealer, "AdjustMul").to_string();
    let (status, answer) = post(&mut dealer.connect(), "AdjustMul", body.as_bytes()).unwrap();
    assert_eq!((status, unframe(&answer).unwrap().len()), (200, 128));
}

fn quick() -> Limits {
    Limits { wait: Duration::from_millis(500), ..Limits::default() }
}

#[test]
fn random_and_mutated_requests_are_errors_and_nothing_grows() {
    let limits = Limits { request: 1 << 20, ..quick() };
    let dealer = Dealer::start(limits);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(23);
    let bodies = METHODS.map(|m| good(&dealer, m).to_string().into_bytes());
    let mut answered = 0;
    let mut before = None;
    for round in 0..20_000 {
        let which = rng.random_range(0..METHODS.len());
        let body = if round % 2 == 0 {
            let mut bytes = vec![0; rng.random_range(0..300)];
            rng.fill_bytes(&mut bytes);
            bytes
        } else {
            mutated(&bodies[which], &mut rng)
        };
        let mut stream = dealer.connect();
        if round % 4 == 2 {
            // No HTTP at all.
            let _ = stream.write_all(&body);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut vec![]);
        } else if let Ok((200, answer)) = post(&mut stream, METHODS[which], &body)
            && unframe(&answer).is_ok()
        {
            answered += 1;
        }
        if round == 2000 {
            before = memory();
        }
    }
    assert!((1..9000).contains(&answered), "{answered} mutated requests were still good ones");
    if let (Some(before), Some(after)) = (before, memory()) {
        assert!(after < before + (32 << 10), "{before} KiB, then {after} KiB");
    }
    lives(&dealer);
}

/// A request with one to four changes: bits, digits, pieces that are left out, doubled or moved.
fn mutated(body: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut out = body.to_vec();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..out.len());
        let end = (at + rng.random_range(1..40)).min(out.len());
        match rng.random_range(0..6) {
            0 => out[at] ^= 1 << rng.random_range(0..8),
            1 => drop(out.drain(at..end)),
            2 => {
                let piece = out[at..end].to_vec();
                let to = rng.random_range(0..out.len());
                out.splice(to..to, piece);
            }
            3 => {
                let digits: Vec<usize> = (0..out.len()).filter(|&i| out[i].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    out[digits[rng.random_range(0..digits.len())]] = b'0' + rng.random_range(0..10);
                }
            }
            4 => {
                let extreme = ["18446744073709551615", "-1", "1e30", "null", "\"\"", "[]", "4294967296"];
                let text = extreme[rng.random_range(0..extreme.len())].bytes();
                let colons: Vec<usize> = (0..out.len()).filter(|&i| out[i] == b':').collect();
                if !colons.is_empty() {
                    let from = colons[rng.random_range(0..colons.len())] + 1;
                    let digits = out[from..].iter().take_while(|c| c.is_ascii_digit()).count();
                    out.splice(from..from + digits, text);
                }
            }
            _ => out.truncate(at.max(1)),
        }
        if out.is_empty() {
            out.push(b'{');
        }
    }
    out
}

#[test]
fn refusals_say_what_is_wrong() {
    let dealer = Dealer::start(Limits { request: 1 << 20, ..quick() });
    let refusal = |method: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut request = good(&dealer, method);
        change(&mut request);
        let (status, answer) = post(&mut dealer.connect(), method, request.to_string().as_bytes()).unwrap();
        assert_eq!(status, 200);
        unframe(&answer).unwrap_err()
    };
    let said = |method, change, code, words: &str| {
        let (number, why) = refusal(method, change);
        assert!(number == code && why.contains(words), "{number}: {why}");
    };
    said("AdjustMul", &|r| r["field_size"] = json!(3), 1, "field_size 3");
    said("AdjustMul", &|r| r["prg_inputs"][1]["buffer_len"] = json!(64), 1, "operand 1 has 64 bytes");
    said("AdjustMul", &|r| r["prg_inputs"] = json!([]), 1, "operand");
    said("AdjustMul", &|r| r["prg_inputs"][2]["encrypted_seeds"] = json!([]), 1, "operand 2 has 0 seeds");
    said("AdjustMul", &|r| r["prg_inputs"][0]["prg_count"] = json!(u64::MAX), 1, "counters");
    said("AdjustSquare", &|r| r["element_type"] = json!("GFMP"), 1, "element_type");
    said("AdjustTruncPr", &|r| r["bits"] = json!(63), 1, "shift by 63");
    said("AdjustTrunc", &|r| r["bits"] = json!(64), 1, "shift by 64");
    said("AdjustPerm", &|r| r["perm"]["size"] = json!(17), 1, "permutation of 17");
    said("AdjustDot", &|r| r["K"] = json!(1_u64 << 60), 1, "more than 1048576 bytes");
    said("AdjustDot", &|r| r["transpose_inputs"] = json!([true, true, true]), 1, "transpose_inputs");
    let other = Dealer::start(quick());
    let foreign = other.hide(&[1; 16]);
    said(
        "AdjustMul",
        &|r| r["prg_inputs"][1]["encrypted_seeds"][0] = json!(foreign),
        2,
        "seed 0 of operand 1",
    );
    let long = vec![b' '; 100_000];
    assert_eq!(post(&mut dealer.connect(), "AdjustMul", &long).map_or(413, |r| r.0), 413);
    assert_eq!(post(&mut dealer.connect(), "AdjustNothing", b"{}").unwrap().0, 200);
    for (line, status) in [("GET /health", 200), ("GET /", 404), ("GET /a.BeaverService/AdjustMul", 405)] {
        let mut stream = dealer.connect();
        stream.write_all(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(read_response(&mut stream).unwrap().0, status, "{line}");
    }
}

#[test]
fn peers_that_stop_are_left() {
    let dealer = Dealer::start(quick());
    for part in [
        "",
        "POST /a.BeaverService/AdjustMul HTT",
        "POST /a.BeaverService/AdjustMul HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
    ] {
        let mut stream = dealer.connect();
        stream.write_all(part.as_bytes()).unwrap();
        // An answer or none, but an end.
        stream.read_to_end(&mut vec![]).unwrap();
    }
    lives(&dealer);
}

#[test]
fn who_does_not_read_is_left_and_others_are_served() {
    let dealer = Dealer::start(quick());
    let mut request = good(&dealer, "AdjustMul");
    for i in 0..3 {
        request["prg_inputs"][i]["buffer_len"] = json!(256 << 20);
    }
    let body = request.to_string();
    let head = "POST /a.BeaverService/AdjustMul HTTP/1.1\r\nHost: x\r\nContent-Length:";
    let mut stream = dealer.connect();
    stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    lives(&dealer);
    std::thread::sleep(Duration::from_secs(3));
    lives(&dealer);
    let left = |e: &Event| matches!(e, Event::Broken(_, why) if why.contains("does not read"));
    assert!(dealer.events.lock().unwrap().iter().any(left));
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    let dealer = Dealer::start(Limits { connections: 2, ..Limits::default() });
    let held: Vec<_> = (0..2).map(|_| dealer.connect()).collect();
    std::thread::sleep(Duration::from_millis(300));
    let mut more = dealer.connect();
    assert_eq!(more.read(&mut [0]).unwrap_or(0), 0);
    drop(held);
    std::thread::sleep(Duration::from_millis(300));
    lives(&dealer);
}
