//! Well-known sets of classes, recognised by names that people spell in several ways.

use super::names;

/// A set of classes whose labels have an order that everybody uses.
#[derive(Debug)]
pub(super) struct Known {
    /// What `classes=` calls it.
    pub(super) name: &'static str,
    /// The names by label.
    pub(super) classes: &'static [&'static str],
}

/// How many are known.
pub(super) const SETS: usize = 5;

/// Of these, sets that share names differ in others.
pub(super) static KNOWN: [Known; SETS] = [
    Known { name: "cifar10", classes: &names::CIFAR10 },
    Known { name: "cifar100", classes: &names::CIFAR100 },
    Known {
        name: "stl10",
        classes: &["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"],
    },
    Known {
        name: "mnist",
        classes: &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    },
    Known {
        name: "fashion-mnist",
        classes: &[
            "T-shirt_top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle_boot",
        ],
    },
];

/// Names of the same class, as [`spelling`] leaves them. No set has two classes of one row.
static SYNONYMS: [&[&str]; 25] = [
    &["airplane", "plane", "aeroplane", "aircraft"],
    &["automobile", "car", "auto"],
    &["ship", "boat"],
    &["truck", "lorry"],
    &["keyboard", "computerkeyboard"],
    &["mapletree", "maple"],
    &["oaktree", "oak"],
    &["palmtree", "palm"],
    &["pinetree", "pine"],
    &["willowtree", "willow"],
    &["motorcycle", "motorbike"],
    &["pickuptruck", "pickup"],
    &["zero", "0"],
    &["one", "1"],
    &["two", "2"],
    &["three", "3"],
    &["four", "4"],
    &["five", "5"],
    &["six", "6"],
    &["seven", "7"],
    &["eight", "8"],
    &["nine", "9"],
    &["tshirttop", "tshirt", "top"],
    &["trouser", "pants"],
    &["ankleboot", "boot"],
];

/// What is left of a name when case and everything but letters and digits do not count.
pub(super) fn spelling(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Known {
    /// The set of this name.
    pub(super) fn called(name: &str) -> Option<&'static Known> {
        KNOWN.iter().find(|k| k.name == name)
    }

    /// The label of a class in any of its spellings. A plural counts as the singular.
    pub(super) fn label(&self, name: &str) -> Option<usize> {
        let name = spelling(name);
        let called = |class: &&str| {
            let class = spelling(class);
            let is = |n: &&str| *n == class;
            name == class
                || name.strip_suffix('s') == Some(&class)
                || SYNONYMS.iter().any(|row| row.iter().any(is) && row.contains(&name.as_str()))
        };
        self.classes.iter().position(called)
    }

    /// The label of each name, when all are of this set and no two are the same class.
    pub(super) fn labels(&self, names: &[String]) -> Option<Vec<usize>> {
        let labels: Vec<usize> = names.iter().map(|n| self.label(n)).collect::<Option<_>>()?;
        let mut seen = vec![false; self.classes.len()];
        labels.iter().all(|&l| !std::mem::replace(&mut seen[l], true)).then_some(labels)
    }
}

/// The well-known set whose classes these names are, all of them or some: what `classes=` calls it, and how many it has.
pub fn known_set(names: &[String]) -> Option<(&'static str, usize)> {
    recognise(names).map(|(k, _)| (k.name, k.classes.len()))
}

/// The set whose classes these names are, all of them or some.
pub(super) fn recognise(names: &[String]) -> Option<(&'static Known, Vec<usize>)> {
    KNOWN.iter().find_map(|k| Some((k, k.labels(names)?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn recognised(text: &str) -> Option<(&'static str, Vec<usize>)> {
        recognise(&names(text)).map(|(k, labels)| (k.name, labels))
    }

    #[test]
    fn spellings_of_cifar10() {
        let found = recognised("bird car cat Deer dog frog horse plane SHIP truck").unwrap();
        assert_eq!(found, ("cifar10", vec![2, 1, 3, 4, 5, 6, 7, 0, 8, 9]));
        assert_eq!(recognised("aeroplane automobile").unwrap().1, [0, 1]);
    }

    #[test]
    fn digits_as_words_and_as_digits() {
        assert_eq!(recognised("eight five four").unwrap(), ("mnist", vec![8, 5, 4]));
        assert_eq!(recognised("3 seven").unwrap(), ("mnist", vec![3, 7]));
    }

    #[test]
    fn spaces_hyphens_and_plurals_of_cifar100() {
        let found = recognise(&["Aquarium Fish".into(), "sweet-peppers".into(), "roses".into()]).unwrap();
        assert_eq!((found.0.name, found.1), ("cifar100", vec![1, 83, 70]));
    }

    #[test]
    fn fashion_and_stl() {
        assert_eq!(recognised("Ankle-boot T-Shirt/Top").unwrap(), ("fashion-mnist", vec![9, 0]));
        assert_eq!(recognised("automobile monkey").unwrap(), ("stl10", vec![2, 7]));
    }

    #[test]
    fn every_class_has_one_label() {
        for k in &KNOWN {
            for (i, c) in k.classes.iter().enumerate() {
                assert_eq!(k.label(c), Some(i), "{} of {}", c, k.name);
            }
            let known = |row: &&&[&str]| row.iter().filter(|n| k.label(n).is_some()).count();
            for row in SYNONYMS.iter().filter(|row| known(row) > 0) {
                assert!(row.iter().all(|n| spelling(n) == *n && k.label(n) == k.label(row[0])), "{row:?}");
            }
        }
    }

    #[test]
    fn no_set_of_strange_or_doubled_names() {
        assert!(recognised("bird kraken").is_none());
        assert!(recognised("plane airplane").is_none());
    }
}
