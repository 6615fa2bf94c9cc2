#![allow(clippy::unwrap_used)]
//! Data specs as users write them.

use super::*;

fn message(text: &str) -> String {
    text.parse::<DataSpec>().unwrap_err().to_string()
}

#[test]
fn parses_every_option() {
    let spec: DataSpec =
        "cifar10:some/dir?normalize=imagenet&scale=1&train=20000&val=500&seed=7".parse().unwrap();
    assert_eq!(spec.kind(), Kind::Cifar10);
    assert_eq!(spec.folder(), Path::new("some/dir"));
    assert_eq!(spec.normalize(), Normalize::IMAGENET);
    assert_eq!((spec.train(), spec.val(), spec.seed()), (Some(20000), Some(500), 7));
}

#[test]
fn parses_explicit_means_and_raw_scale_in_any_order() {
    let spec: DataSpec =
        "cifar100:d?scale=255&normalize=mean=.485,.456,.406;std=.225&seed=1".parse().unwrap();
    assert_eq!(spec.normalize(), Normalize { mean: [0.485, 0.456, 0.406], std: [0.225; 3], scale: 255.0 });
    assert_eq!(spec.seed(), 1);
}

#[test]
fn text_round_trips() {
    let text = "shapes?seed=3&val=10";
    let spec: DataSpec = text.parse().unwrap();
    assert_eq!(spec.to_string(), text);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<DataSpec>(&json).unwrap(), spec);
}

#[test]
fn no_unknown_kind() {
    let m = message("cifr10:dir");
    assert!(m.contains("\"cifr10\"") && m.contains("did you mean \"cifar10\""), "{m}");
}

#[test]
fn no_unknown_option() {
    let m = message("shapes?normalise=none");
    assert!(m.contains("\"normalise\"") && m.contains("did you mean \"normalize\""), "{m}");
    assert!(message("shapes?mean=1").contains("normalize=mean="));
}

#[test]
fn no_bad_values() {
    for text in [
        "shapes?seed=-1",
        "shapes?train=0",
        "shapes?val=many",
        "shapes?scale=0",
        "shapes?scale=inf",
        "shapes?normalize",
        "shapes?normalize=imagenet;seed=1",
    ] {
        assert!(message(text).contains("expected"), "{text}");
    }
}

#[test]
fn no_option_twice() {
    assert!(message("shapes?seed=1&seed=2").contains("twice"));
}

#[test]
fn folder_where_it_belongs() {
    assert!(message("cifar10").contains("cifar10:DIR"));
    assert!(message("shapes:dir").contains("no folder"));
}

#[test]
fn size_where_it_belongs() {
    assert_eq!("images:d?size=32".parse::<DataSpec>().unwrap().size(), Some(32));
    assert_eq!("tiny-imagenet:d".parse::<DataSpec>().unwrap().size(), None);
    assert!(message("images:d?size=0").contains("expected"));
    assert!(message("images:d?size=100000").contains("expected"));
    assert!(message("cifar10:d?size=32").contains("not for cifar10"));
}

#[test]
fn texts_that_are_proposed() {
    let other = ["normalize", "scale"];
    let with = |text: &str| text.parse::<DataSpec>().unwrap().text_with("normalize=imagenet", &other);
    assert_eq!(with("cifar10:d"), "cifar10:d?normalize=imagenet");
    assert_eq!(with("cifar10:d?scale=255&val=9&normalize=none"), "cifar10:d?normalize=imagenet&val=9");
}

#[test]
fn no_mean_of_another_scale() {
    for text in ["shapes?normalize=mean=123.7,116.3,103.5;std=58.4", "shapes?normalize=mean=0.5;std=58"] {
        let m = message(text);
        assert!(m.contains("scale=255"), "{m}");
    }
    assert!(message("shapes?scale=255&normalize=mean=300").contains("300"));
    let raw = "shapes?scale=255&normalize=mean=123.7,116.3,103.5;std=58.4";
    assert_eq!(raw.parse::<DataSpec>().unwrap().normalize().mean[0], 123.7);
    assert!("shapes?normalize=mean=-1;std=1".parse::<DataSpec>().is_ok());
}

#[test]
fn one_channel_takes_one_number() {
    let spec = |text: &str| text.parse::<DataSpec>().unwrap().with_channels(1);
    assert!(spec("mnist:d?normalize=mnist").is_ok());
    assert!(spec("mnist:d?normalize=mean=.1307;std=.3081").is_ok());
    let m = spec("mnist:d?normalize=imagenet").unwrap_err().to_string();
    assert!(m.contains("one channel") && m.contains("normalize=imagenet"), "{m}");
}

#[test]
fn classes_of_a_numbered_set_may_be_fewer_or_in_another_order() {
    let open = |classes: &str| {
        let spec: DataSpec = format!("shapes?classes={classes}").parse().unwrap();
        spec.open(Split::Test, Some(40)).unwrap()
    };
    let all: DataSpec = "shapes".parse().unwrap();
    let all = all.open(Split::Test, Some(40)).unwrap();
    let [a, b] = [all.class_names()[0].clone(), all.class_names()[3].clone()];
    let two = open(&format!("{b},{a}"));
    assert_eq!((two.len(), two.class_names()), (40, &[b, a][..]));
    assert_eq!((two.label(0), two.label(1)), (1, 0));
    assert_eq!((two.pixels(0), two.pixels(1)), (all.pixels(0), all.pixels(3)));
    assert!("shapes?classes=x,y".parse::<DataSpec>().unwrap().open(Split::Test, Some(1)).is_err());
}
