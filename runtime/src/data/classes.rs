//! Which label each class has: `classes=`, and what is assumed without it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::DataError;
use super::known::{KNOWN, Known, SETS, recognise, spelling};
use super::names::owned;
use crate::nearest::nearest;

/// What the classes of a data set are called in messages: one, and several.
pub(super) type Called = [&'static str; 2];

/// Classes that are folders.
pub(super) const FOLDERS: Called = ["folder", "folders"];
/// Classes that the data set itself numbers.
pub(super) const CLASSES: Called = ["class", "classes"];

/// As many labels can be told apart.
const MOST: usize = u16::MAX as usize + 1;

/// Names in a message; the rest is counted.
const SHOWN: usize = 6;

/// What `classes=` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Classes {
    /// `classes=sorted`: the names in the order of their characters.
    Sorted,
    /// `classes=numbers`: in the order of the number that each name begins with.
    Numbers,
    /// `classes=cifar10`: the order of a well-known set, whose names may be spelled otherwise.
    Known(&'static str),
    /// `classes=a,b,…`: these, by label.
    Names(Vec<String>),
    /// `classes=FILE`: a name a line.
    File(PathBuf),
}

/// The classes of a data set by label, and where its own classes are in them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    /// Names by label.
    pub(super) names: Vec<String>,
    /// The label of each class of the data set, in its own order; `None` for those that are left out.
    pub(super) of: Vec<Option<usize>>,
    /// What was assumed or left out, for the user.
    pub(super) notices: Vec<String>,
    /// Other orders that the same names might be meant in: what to write, and the label there of each label here.
    pub(super) others: Vec<(&'static str, Vec<usize>)>,
}

impl Classes {
    /// Parses the value of `classes=`; no file is touched.
    ///
    /// # Errors
    /// In words, what was expected.
    pub(super) fn parse(value: &str) -> Result<Classes, String> {
        if let Some(known) = Known::called(value) {
            return Ok(Classes::Known(known.name));
        }
        match value {
            "" => Err("names by label, separated by commas, or a file with one a line".to_owned()),
            "sorted" => Ok(Classes::Sorted),
            "numbers" => Ok(Classes::Numbers),
            list if list.contains(',') => {
                distinct(list.split(',').map(|n| n.trim().to_owned()).collect()).map(Classes::Names)
            }
            file => Ok(Classes::File(PathBuf::from(file))),
        }
    }

    /// The names by label that it lists, where it lists any. A relative file is looked for in `beside` first.
    fn listed(&self, beside: &Path) -> Result<Option<Vec<String>>, DataError> {
        let bad = |path: &Path, expected: &str| DataError::option("classes", path.display(), expected);
        match self {
            Classes::Sorted | Classes::Numbers => Ok(None),
            Classes::Known(name) => Ok(Known::called(name).map(|k| owned(k.classes))),
            Classes::Names(names) => Ok(Some(names.clone())),
            Classes::File(file) => {
                let near = beside.join(file);
                let path = if near.is_file() { near } else { file.clone() };
                if !path.is_file() {
                    return Err(bad(
                        file,
                        "names separated by commas, a file with one a line (there is none of that name), sorted, \
                         numbers, or a well-known set such as cifar10",
                    ));
                }
                let bytes = relinc_passes::files::read(&path).map_err(DataError::io(&path))?;
                let text = String::from_utf8_lossy(&bytes);
                let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
                let names = lines.filter(|l| !l.is_empty()).map(str::to_owned).collect();
                distinct(names).map(Some).map_err(|e| bad(&path, &e))
            }
        }
    }
}

/// The names, if there are any and no two are equal.
fn distinct(names: Vec<String>) -> Result<Vec<String>, String> {
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err("a name for every label, none empty".to_owned());
    }
    if names.len() > MOST {
        return Err(format!("at most {MOST} names"));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|n| !seen.insert(n.as_str())) {
        Some(twice) => Err(format!("every name once; {twice} is there twice")),
        None => Ok(names),
    }
}

impl Labels {
    /// Labels of the classes `found`, in the data set's own order, as `asked`. A relative file of `classes=` is
    /// looked for in `beside` first.
    ///
    /// # Errors
    /// An order that these names do not have, [`DataError::Io`].
    pub(super) fn of(
        found: &[String],
        what: Called,
        asked: Option<&Classes>,
        beside: &Path,
    ) -> Result<Labels, DataError> {
        let mut made = match asked {
            None => Labels::assumed(found, what),
            Some(Classes::Sorted) => Labels::in_order(found, (0..found.len()).collect()),
            Some(Classes::Numbers) => match by_number(found) {
                Some(order) => Labels::in_order(found, order),
                None => {
                    let expected =
                        format!("{} that begin with different numbers, not {}", what[1], few(found));
                    return Err(DataError::option("classes", "numbers", expected));
                }
            },
            Some(c) => match c.listed(beside)? {
                Some(list) => Labels::listed(found, what, list)?,
                None => Labels::assumed(found, what),
            },
        };
        made.others = made.other_orders(found);
        Ok(made)
    }

    /// Without `classes=`: the order of a well-known set where these are its classes, else their own.
    fn assumed(found: &[String], [_, many]: Called) -> Labels {
        if let Some((known, labels)) = recognise(found).filter(|(k, l)| l.len() == k.classes.len()) {
            if labels.windows(2).all(|w| w[0] < w[1]) {
                return Labels::in_order(found, labels);
            }
            let mut made = Labels::in_order(found, labels);
            made.notices.push(format!(
                "The {many} are the classes of {}; their labels are taken to be those of that set ({}), not the sorted order. \
                 Write classes=sorted where the network was trained in sorted order.",
                known.name,
                short(&made.names)
            ));
            return made;
        }
        let mut made = Labels::in_order(found, (0..found.len()).collect());
        if by_number(found).is_some_and(|order| order.windows(2).any(|w| w[0] > w[1])) {
            made.notices.push(format!(
                "The names of the {many} begin with numbers; labels follow the sorted names ({}), not the numbers. \
                 Write classes=numbers where the network was trained in the order of the numbers.",
                short(&made.names)
            ));
        }
        made
    }

    /// All of `found`; `labels` are theirs.
    fn in_order(found: &[String], labels: Vec<usize>) -> Labels {
        let mut names = vec![String::new(); found.len()];
        labels.iter().zip(found).for_each(|(&l, n)| names[l].clone_from(n));
        Labels { names, of: labels.into_iter().map(Some).collect(), notices: vec![], others: vec![] }
    }

    /// As a list says. A name of it without a class keeps its label; a class without a name in it is left out.
    fn listed(found: &[String], [one, many]: Called, list: Vec<String>) -> Result<Labels, DataError> {
        let of = positions(&list, found);
        let without: Vec<String> =
            (0..list.len()).filter(|l| !of.contains(&Some(*l))).map(|l| list[l].clone()).collect();
        let out: Vec<String> =
            found.iter().zip(&of).filter(|(_, l)| l.is_none()).map(|(f, _)| f.clone()).collect();
        let bad = |expected: String| DataError::option("classes", few(&list), expected);
        if out.len() == found.len() {
            return Err(bad(format!("names of the {many}, which are {}", few(found))));
        }
        let misspelt = without.iter().find_map(|n| {
            let known: Vec<&str> = out.iter().map(String::as_str).collect();
            Some((n, nearest(n, &known)?))
        });
        if let Some((name, near)) = misspelt {
            return Err(bad(format!("names of the {many}; there is no {name} (did you mean \"{near}\"?)")));
        }
        let mut names = list;
        found.iter().zip(&of).for_each(|(f, l)| {
            if let Some(l) = l {
                names[*l].clone_from(f);
            }
        });
        let mut notices = vec![];
        if !without.is_empty() {
            notices.push(format!("No {one} for {}: of these classes there are no images.", few(&without)));
        }
        if !out.is_empty() {
            notices.push(format!("Left out, since classes= does not name them: {}.", few(&out)));
        }
        Ok(Labels { names, of, notices, others: vec![] })
    }

    /// Orders other than this one which the same names have: sorted, by number, of a well-known set.
    fn other_orders(&self, found: &[String]) -> Vec<(&'static str, Vec<usize>)> {
        let Some(mine) = self.of.iter().copied().collect::<Option<Vec<usize>>>() else { return vec![] };
        if mine.len() != self.names.len() {
            return vec![];
        }
        let known = recognise(found).filter(|(k, l)| l.len() == k.classes.len());
        let orders = [
            known.map(|(k, labels)| (k.name, labels)),
            Some(("sorted", (0..found.len()).collect())),
            by_number(found).map(|labels| ("numbers", labels)),
        ];
        let other = orders.into_iter().flatten().filter(|(_, labels)| *labels != mine);
        let renamed = other.map(|(text, labels)| {
            let mut there = vec![0; mine.len()];
            mine.iter().zip(labels).for_each(|(&m, l)| there[m] = l);
            (text, there)
        });
        renamed.collect()
    }
}

/// Where each class is in a list: its very name, or the only one of the same spelling or of the same well-known class.
fn positions(list: &[String], found: &[String]) -> Vec<Option<usize>> {
    let exact: Vec<Option<usize>> = found.iter().map(|f| list.iter().position(|l| l == f)).collect();
    // A name that is there as it is written stands for itself alone.
    let taken: HashSet<usize> = exact.iter().flatten().copied().collect();
    let free: Vec<(usize, Spelled)> =
        (0..list.len()).filter(|i| !taken.contains(i)).map(|i| (i, Spelled::of(&list[i]))).collect();
    let left: Vec<Spelled> =
        found.iter().zip(&exact).filter(|(_, e)| e.is_none()).map(|(f, _)| Spelled::of(f)).collect();
    let like = |f: &String| {
        let f = Spelled::of(f);
        let mut like = free.iter().filter(|(_, l)| l.like(&f));
        let (only, there) = like.next().filter(|_| like.next().is_none())?;
        (left.iter().filter(|l| l.like(there)).count() == 1).then_some(*only)
    };
    exact.iter().zip(found).map(|(e, f)| e.or_else(|| like(f))).collect()
}

/// A name as it is compared.
struct Spelled {
    letters: String,
    /// Its label in each well-known set.
    known: [Option<usize>; SETS],
}

impl Spelled {
    fn of(name: &str) -> Spelled {
        Spelled { letters: spelling(name), known: std::array::from_fn(|k| KNOWN[k].label(name)) }
    }

    /// Of the same letters, or the same class of a well-known set.
    fn like(&self, other: &Spelled) -> bool {
        let same = |(a, b): (&Option<usize>, &Option<usize>)| a.is_some() && a == b;
        !self.letters.is_empty() && self.letters == other.letters
            || self.known.iter().zip(&other.known).any(same)
    }
}

/// The labels in the order of the numbers that the names begin with, where these are different.
fn by_number(names: &[String]) -> Option<Vec<usize>> {
    let number = |n: &String| {
        let digits: String = n.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let numbers: Vec<u64> = names.iter().map(number).collect::<Option<_>>()?;
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let place = |n: &u64| sorted.binary_search(n).ok();
    if sorted.len() == numbers.len() { numbers.iter().map(place).collect() } else { None }
}

/// The first names with their labels, the last, and how many there are: `0 airplane, 1 automobile, …, 9 truck`.
pub fn short(names: &[String]) -> String {
    let numbered = |i: usize| format!("{i} {}", names[i]);
    if names.len() <= SHOWN {
        return (0..names.len()).map(numbered).collect::<Vec<_>>().join(", ");
    }
    let first: Vec<String> = (0..SHOWN / 2).map(numbered).collect();
    format!("{}, …, {}", first.join(", "), numbered(names.len() - 1))
}

/// The first names, and how many more there are.
pub(super) fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLANES: &str = "bird car cat deer dog frog horse plane ship truck";

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn labels(found: &str, classes: &str) -> Result<Labels, String> {
        let asked = match classes {
            "" => None,
            c => Some(Classes::parse(c)?),
        };
        Labels::of(&list(found), FOLDERS, asked.as_ref(), Path::new("")).map_err(|e| e.to_string())
    }

    fn names(found: &str, classes: &str) -> String {
        labels(found, classes).unwrap().names.join(" ")
    }

    #[test]
    fn other_spellings_of_a_known_set_take_its_order_and_say_so() {
        let l = labels(PLANES, "").unwrap();
        assert_eq!(l.names.join(" "), "plane car bird cat deer dog frog horse ship truck");
        assert_eq!(l.of[..3], [Some(2), Some(1), Some(3)]);
        assert!(l.notices[0].contains("cifar10") && l.notices[0].contains("classes=sorted"), "{l:?}");
        assert_eq!(names(PLANES, "sorted"), PLANES);
        assert_eq!(
            names("eight five four nine one seven six three two zero", ""),
            "zero one two three four five six seven eight nine"
        );
    }

    #[test]
    fn no_notice_where_the_order_is_the_sorted_one() {
        let l = labels("airplane automobile bird cat deer dog frog horse ship truck", "").unwrap();
        assert!(l.notices.is_empty() && l.others.is_empty(), "{l:?}");
        assert!(labels("ant bee", "").unwrap().notices.is_empty());
    }

    #[test]
    fn numbers_are_sorted_as_text_and_that_is_said() {
        let l = labels("0 1 10 2 3", "").unwrap();
        assert_eq!(l.names.join(" "), "0 1 10 2 3");
        assert!(l.notices[0].contains("classes=numbers"), "{l:?}");
        assert_eq!(names("0 1 10 2 3", "numbers"), "0 1 2 3 10");
        assert_eq!(names("10_k 1_a 2_b", "numbers"), "1_a 2_b 10_k");
        assert!(labels("0 1 2", "").unwrap().notices.is_empty());
        assert!(labels("a b", "numbers").unwrap_err().contains("numbers"));
    }

    #[test]
    fn a_list_fixes_the_order() {
        let l = labels("ant bee wasp", "wasp,ant,bee").unwrap();
        assert_eq!((l.names.join(" "), l.of), ("wasp ant bee".to_owned(), vec![Some(1), Some(2), Some(0)]));
        assert_eq!(names("Ant bee", "bee, ant"), "bee Ant");
    }

    #[test]
    fn listed_classes_without_a_folder_keep_their_label() {
        let l = labels("ant wasp", "ant,bee,wasp").unwrap();
        assert_eq!((l.names.len(), l.of), (3, vec![Some(0), Some(2)]));
        assert_eq!(l.notices, ["No folder for bee: of these classes there are no images."]);
        let l = labels("bird car cat deer dog horse plane ship truck", "cifar10").unwrap();
        assert_eq!(l.names[6], "frog");
        assert_eq!(l.of[6], Some(0));
    }

    #[test]
    fn folders_that_are_not_listed_are_left_out_and_named() {
        let l = labels("ant bee extras", "bee,ant").unwrap();
        assert_eq!(l.of, [Some(1), Some(0), None]);
        assert!(l.notices[0].contains("extras"), "{l:?}");
    }

    #[test]
    fn no_misspelt_list() {
        assert!(labels("ant bee", "ant,beee").unwrap_err().contains("did you mean \"bee\""));
        assert!(labels("ant bee", "x,y").unwrap_err().contains("ant, bee"));
        assert!(labels("ant bee", "ant,ant").unwrap_err().contains("twice"));
        assert!(labels("ant bee", "ant,,bee").unwrap_err().contains("none empty"));
        assert!(labels("ant bee", "no-such-file").unwrap_err().contains("no-such-file"));
    }

    #[test]
    fn a_file_has_a_name_a_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.txt"), "\u{feff}bee\r\n\nant\n").unwrap();
        let asked = Classes::parse("c.txt").unwrap();
        let l = Labels::of(&list("ant bee"), FOLDERS, Some(&asked), dir.path()).unwrap();
        assert_eq!(l.names, ["bee", "ant"]);
    }

    #[test]
    fn equal_spellings_need_the_very_name() {
        let l = labels("Cat cat dog", "cat,Cat,dog").unwrap();
        assert_eq!(l.of, [Some(1), Some(0), Some(2)]);
        assert!(labels("CAT cAt dog", "cat,dog").unwrap_err().contains("there is no cat"));
    }

    #[test]
    fn other_orders_of_the_same_names() {
        let l = labels(PLANES, "").unwrap();
        assert_eq!(l.others.len(), 1);
        assert_eq!((l.others[0].0, l.others[0].1[..3].to_vec()), ("sorted", vec![7, 1, 0]));
        let l = labels("0 1 10 2", "").unwrap();
        assert_eq!(l.others, [("numbers", vec![0, 1, 3, 2])]);
    }
}
