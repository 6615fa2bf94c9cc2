//! What a word means that relinc prints: a pass, a protocol, an attack, the code of an error, a ReLU layer of a compiled network.

pub mod codes;
mod layer;

pub use layer::layer;

use crate::error::{Result, input};
use crate::report::text::wrap;
use relinc_passes::passes::{self, PASSES};
use relinc_runtime::attack;
use relinc_runtime::cost::{Protocol, find, protocols};
use relinc_runtime::nearest::did_you_mean;
use serde_json::{Value, json};

/// An explanation as text, and the same as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// For a person.
    pub text: String,
    /// For a program: `kind`, `name`, and what is known of it.
    pub json: Value,
}

/// Explains a pass, a protocol, an attack or a code.
///
/// # Errors
/// A word that is none of these, with the nearest that is.
pub fn word(name: &str) -> Result<Explained> {
    if let Some(p) = passes::find(name) {
        let guarantee = p.guarantee().name();
        return Ok(Explained {
            text: format!("{name}: a pass, guarantee: {guarantee}\n\n{}\n", p.doc()),
            json: json!({"kind": "pass", "name": name, "guarantee": guarantee, "summary": p.summary(), "text": p.doc()}),
        });
    }
    if let Some(c) = codes::find(name) {
        return Ok(Explained {
            text: format!("{}: {}\n\n{}", c.code, c.title, wrap(c.text, "")),
            json: json!({"kind": "code", "name": c.code, "title": c.title, "text": c.text}),
        });
    }
    if let Some((name, text)) = attack::EXPLAINED.iter().find(|(n, _)| *n == name) {
        return Ok(Explained {
            text: format!("{name}: an attack\n\n{}", wrap(text, "")),
            json: json!({"kind": "attack", "name": name, "text": text}),
        });
    }
    if let Ok(p) = find(name) {
        return Ok(protocol(&p));
    }
    let known: Vec<&str> = PASSES
        .iter()
        .map(|p| p.name())
        .chain(protocols().iter().map(|p| &*p.name))
        .chain(attack::EXPLAINED.iter().map(|(n, _)| *n))
        .chain(codes::CODES.iter().map(|c| c.code))
        .collect();
    let hint = did_you_mean(name, &known);
    let layer = match name.starts_with("relu") {
        true => "; for a ReLU layer say of which network: --in DIR",
        false => "",
    };
    Err(input(format!(
        "'{name}' is no pass, no protocol, no attack and no code of an error{hint}{layer}; relinc passes and relinc protocols list the first two"
    )))
}

fn protocol(p: &Protocol) -> Explained {
    let caveat = p.caveat().map(|c| format!(" ({c})")).unwrap_or_default();
    let mut text = format!("{}: a protocol{caveat}\n\n", p.name);
    let mut line = |what: &str, said: &str| text += &wrap(said, &format!("{what:<9} "));
    line("runtime:", &p.runtime);
    line("parties:", &p.parties.to_string());
    line("ring:", &format!("{} bits", p.ring));
    line("weights:", &format!("{} unless said otherwise", p.default_weights));
    line("trust:", p.trust());
    line("counts:", &p.counts);
    line("source:", &p.source);
    p.offline.iter().for_each(|o| line("offline:", o));
    let kinds: Vec<&str> = p.ops.keys().map(String::as_str).collect();
    line("prices:", &kinds.join(", "));
    text += "\nAn operation without a price is reported as not modelled.\n";
    let json = json!({
        "kind": "protocol", "name": p.name, "runtime": p.runtime, "parties": p.parties, "ring": p.ring, "trust": p.trust(),
        "default_weights": p.default_weights, "counts": p.counts, "source": p.source, "verified": p.verified, "offline": p.offline,
        "prices": kinds,
    });
    Explained { text, json }
}
