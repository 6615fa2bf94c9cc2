//! Mutations of text that keep its words: numbers, lines and marks change.

use super::bytes;
use super::run::{below, once_in, pick};
use relinc_passes::splitmix::SplitMix;

const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "64",
    "255",
    "4096",
    "1000000",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0.5",
    "-0.0",
    "1e308",
    "-1e308",
    "1e-45",
    "3.5e38",
    ".inf",
    "nan",
];
const PIECES: [&str; 20] = [
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    "\"",
    "'",
    "null",
    "true",
    "- ",
    "&a ",
    "*a",
    "\n",
    " ",
    "\u{1b}[31m",
    "\u{e9}",
    "%",
];

/// Changes some text; words of `others` may come in.
pub fn mutate(text: &str, others: &[String], dice: &mut SplitMix) -> String {
    let mut t = text.to_string();
    for _ in 0..=below(dice, 3) {
        t = match below(dice, 10) {
            0..=3 => number(&t, dice),
            4 => lines(&t, dice, None),
            5 => {
                let other = pick::<String>(dice, others).clone();
                lines(&t, dice, Some(other))
            }
            6 => word(&t, dice),
            7 | 8 => insert(&t, dice),
            _ => {
                let mut b = t.into_bytes();
                bytes::mutate(&mut b, dice);
                String::from_utf8_lossy(&b).into_owned()
            }
        };
    }
    t
}

/// The ranges of what `inside` holds for, without gaps.
fn runs(t: &str, inside: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = vec![];
    for (i, c) in t.char_indices().filter(|(_, c)| inside(*c)) {
        match out.last_mut() {
            Some(last) if last.1 == i => last.1 = i + c.len_utf8(),
            _ => out.push((i, i + c.len_utf8())),
        }
    }
    out
}

fn number(t: &str, dice: &mut SplitMix) -> String {
    let all = runs(t, |c| c.is_ascii_digit() || c == '.');
    let all: Vec<_> =
        all.into_iter().filter(|r| t[r.0..r.1].contains(|c: char| c.is_ascii_digit())).collect();
    if all.is_empty() {
        return t.to_string();
    }
    let &(a, b) = pick(dice, &all);
    let new = match t[a..b].parse::<i64>() {
        Ok(n) if !once_in(dice, 3) => (n + below(dice, 7) as i64 - 3).to_string(),
        _ => pick(dice, &NUMBERS).to_string(),
    };
    format!("{}{new}{}", &t[..a], &t[b..])
}

fn lines(t: &str, dice: &mut SplitMix, from: Option<String>) -> String {
    let mut all: Vec<&str> = t.lines().collect();
    let other = from.unwrap_or_default();
    let others: Vec<&str> = other.lines().collect();
    let (i, j) = (below(dice, all.len()), below(dice, all.len()));
    if all.is_empty() {
        return t.to_string();
    }
    match below(dice, 4) {
        0 => drop(all.remove(i)),
        1 => all.swap(i, j),
        2 if !others.is_empty() => all[i] = pick::<&str>(dice, &others),
        _ => all.insert(i, all[j]),
    }
    all.join("\n") + "\n"
}

/// A word in another one's place.
fn word(t: &str, dice: &mut SplitMix) -> String {
    let all = runs(t, |c| c.is_alphanumeric() || "_%.-".contains(c));
    if all.is_empty() {
        return t.to_string();
    }
    let (&(a, b), &(c, d)) = (pick(dice, &all), pick(dice, &all));
    format!("{}{}{}", &t[..a], &t[c..d], &t[b..])
}

fn insert(t: &str, dice: &mut SplitMix) -> String {
    let places: Vec<usize> = t.char_indices().map(|(i, _)| i).collect();
    let at = if places.is_empty() { 0 } else { *pick(dice, &places) };
    let piece = pick(dice, &PIECES).repeat(if once_in(dice, 20) { 5000 } else { 1 });
    format!("{}{piece}{}", &t[..at], &t[at..])
}
