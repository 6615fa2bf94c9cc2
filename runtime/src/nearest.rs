//! "Did you mean …": the nearest known name to a misspelt one.

/// The entry of `known` nearest to `found` by edit distance, when it is near enough to be a plausible
/// misspelling (at most half of the longer name's letters differ); ties go to the earlier entry.
pub fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, name) = known.iter().map(|k| (edit_distance(found, k), *k)).min_by_key(|(d, _)| *d)?;
    let longer = found.chars().count().max(name.chars().count());
    (distance * 2 <= longer).then_some(name)
}

/// ` (did you mean "NAME"?)` for an error message, or nothing.
pub fn did_you_mean(found: &str, known: &[&str]) -> String {
    nearest(found, known).map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default()
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_misspelt_name() {
        let known = ["normalize", "scale", "train", "val", "seed"];
        assert_eq!(nearest("normalise", &known), Some("normalize"));
        assert_eq!(nearest("vla", &known), None); // two of three letters differ
        assert_eq!(nearest("vall", &known), Some("val"));
        assert_eq!(nearest("batchsize", &known), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
    }
}
