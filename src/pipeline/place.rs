//! Where something stands in a YAML file.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::Value;
use std::fmt;

/// A step into a document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// To the value of a key.
    Key(&'a str),
    /// To an item of a list, from 0.
    Item(usize),
}

/// The line, from 1, on which the value at the end of `steps` begins.
pub(super) fn line(text: &str, steps: &[Step<'_>]) -> Option<usize> {
    // Whoever reads is told the place of an error, so one is made where the value is.
    let stopped = Walk(steps).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    Some(stopped.location()?.line())
}

struct Walk<'a>(&'a [Step<'a>]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

/// Whatever is not on the way, and everything at its end, is an error.
impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.0.split_first() else {
            return Err(serde::de::Error::custom("here"));
        };
        while let Some(key) = map.next_key::<Value>()? {
            match key.as_str() == Some(wanted) {
                true => map.next_value_seed(Walk(rest))?,
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Item(wanted), rest)) = self.0.split_first() else {
            return Err(serde::de::Error::custom("here"));
        };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(Walk(rest)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Item, Key};
    use super::*;

    const TEXT: &str = "# a comment\nmodel: a.onnx\n\nstages:\n  - stage: search\n    epochs: many\n  - {stage: tune,\n     epochs: few}\nreport:\n  networks: [lan,\n    wan]\n";

    #[test]
    fn lines_of_values() {
        assert_eq!(line(TEXT, &[Key("model")]), Some(2));
        assert_eq!(line(TEXT, &[Key("stages"), Item(0), Key("epochs")]), Some(6));
        assert_eq!(line(TEXT, &[Key("stages"), Item(1), Key("epochs")]), Some(8));
        assert_eq!(line(TEXT, &[Key("stages"), Item(1)]), Some(7));
        assert_eq!(line(TEXT, &[Key("report"), Key("networks"), Item(1)]), Some(11));
    }

    #[test]
    fn no_line_of_what_is_not_there() {
        assert_eq!(line(TEXT, &[Key("data")]), None);
        assert_eq!(line(TEXT, &[Key("stages"), Item(7)]), None);
    }
}
