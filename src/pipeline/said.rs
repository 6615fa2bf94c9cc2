//! What is said of options, by the keys of a pipeline file.

use super::keys;

/// Keys that are called otherwise on the command line.
const PLURAL: [&str; 5] = ["attack", "dim", "network", "protocol", "target"];
/// Keys that `run` has as options, too, which go before what the file says.
const BOTH: [&str; 3] = ["device", "max-drop", "seed"];

/// A sentence that names options of the command line, with the keys of a file in their places: `input_range: 0,1` for
/// `--input-range 0,1`. Whole commands stay as they are typed.
pub(crate) fn in_keys(text: &str) -> String {
    let known = keys();
    let mut pieces = text.split("--");
    let mut out = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let end = piece.find(|c: char| !(c.is_ascii_lowercase() || c == '-')).unwrap_or(piece.len());
        let (option, rest) = piece.split_at(end);
        let key = option.replace('-', "_") + if PLURAL.contains(&option) { "s" } else { "" };
        let inside = out.ends_with(|c: char| c.is_alphanumeric() || "-/".contains(c));
        if inside || out.ends_with("compile ") || BOTH.contains(&option) || !known.contains(&key.as_str()) {
            out += &format!("--{piece}");
            continue;
        }
        let value = rest.strip_prefix(['=', ' ']).unwrap_or_default();
        let first = value.split([' ', ',']).next().unwrap_or_default();
        let is_value = rest.starts_with('=')
            || first.contains([':', '='])
            || first.starts_with(|c: char| c.is_ascii_digit());
        out += &if is_value { format!("{key}: {value}") } else { key + rest };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::in_keys;

    #[test]
    fn options_are_called_by_their_keys() {
        for (option, key) in [
            (
                "--budget finds masks: give --data, for instance --data x:D",
                "budget finds masks: give data, for instance data: x:D",
            ),
            ("m.onnx: --dim N=0: a size", "m.onnx: dims: N=0: a size"),
            ("--input-range 0,1: the data; or --data with", "input_range: 0,1: the data; or data with"),
            ("with --normalise-ranges=3 it holds", "with normalise_ranges: 3 it holds"),
        ] {
            assert_eq!(in_keys(option), key);
        }
        for same in [
            "go on with --resume",
            "use --device cpu",
            "relinc compile --budget 3",
            "a--data/m.onnx: --only: no",
        ] {
            assert_eq!(in_keys(same), same);
        }
    }
}
