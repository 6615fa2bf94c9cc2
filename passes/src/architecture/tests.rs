#![allow(clippy::unwrap_used)]
//! ReLU counts and parameters against the table of the method, and what is refused.

use super::*;
use crate::driver::valid;
use crate::ir::{Dim, Op};

fn architecture(kind: Kind, depth: usize, width: Option<usize>, side: usize) -> Architecture {
    Architecture { kind, depth, width, classes: 10, input: [3, side, side] }
}

fn wide(depth: usize, width: usize) -> Architecture {
    architecture(Kind::WideResnet, depth, Some(width), 32)
}

/// ReLU layers, ReLUs for one image, and values of all constants.
fn counts(a: &Architecture) -> (usize, usize, usize) {
    let g = a.build(0).unwrap();
    let valid = valid::check(&g).unwrap();
    let (mut layers, mut relus, mut constants) = (0, 0, 0);
    for &id in valid.order() {
        if matches!(g.op(id), Op::Relu) {
            layers += 1;
            let dims = &valid.facts().ty(id).dims;
            relus += dims.iter().map(|d| if let Dim::Fixed(n) = d { *n } else { 1 }).product::<usize>();
        }
        constants += g.const_of(id).map_or(0, |t| t.shape().iter().product());
    }
    (layers, relus, constants)
}

#[test]
fn relus_of_the_method() {
    for (a, layers, relus) in [
        (architecture(Kind::Resnet, 18, None, 32), 17, 557_056),
        (architecture(Kind::Resnet, 34, None, 32), 33, 966_656),
        (architecture(Kind::Resnet, 18, None, 64), 17, 2_228_224),
        (wide(22, 8), 19, 1_392_640),
    ] {
        let found = counts(&a);
        assert_eq!((found.0, found.1), (layers, relus), "{a:?}");
    }
}

/// Learned values of the published networks: 2.7, 17.2 and 36.5 million, and two running statistics of each BN channel.
#[test]
fn parameters_of_wide_resnets() {
    for (depth, k, learned) in [(16, 4, 2_748_890), (22, 8, 17_158_106), (28, 10, 36_479_194)] {
        let blocks = (depth - 4) / 6;
        // BN channels: twice a block the width of the group, but 16 and the former width at the first of each; the last.
        let channels = (2 * blocks) * (16 + 32 + 64) * k + 16;
        let (layers, _, constants) = counts(&wide(depth, k));
        assert_eq!(layers, 6 * blocks + 1);
        assert_eq!(constants - 2 * channels, learned, "WRN-{depth}-{k}");
    }
}

#[test]
fn wide_resnet_of_width_1_keeps_its_first_shortcut() {
    let g = wide(10, 1).build(0).unwrap();
    let mut names: Vec<&str> =
        g.ids().map(|id| &g.node(id).name[..]).filter(|n| n.ends_with(".shortcut")).collect();
    names.sort_unstable();
    assert_eq!(names, ["group2.0.shortcut", "group3.0.shortcut"]);
}

#[test]
fn seed_decides_the_weights() {
    let a = wide(10, 1);
    let weights = |seed| {
        let g = a.build(seed).unwrap();
        g.ids().find_map(|id| g.const_of(id).cloned()).unwrap()
    };
    assert!(weights(1) == weights(1) && weights(1) != weights(2));
}

#[test]
fn no_such_network() {
    let message = |a: Architecture| a.build(0).unwrap_err();
    let m = message(wide(20, 8));
    assert!(m.contains("depth 20") && m.contains("16, 22"), "{m}");
    assert!(message(wide(4, 8)).contains("depth 4"));
    assert!(message(wide(0, 8)).contains("depth 0"));
    assert!(message(wide(22, 0)).contains("at least 1"));
    assert!(message(architecture(Kind::WideResnet, 22, None, 32)).contains("needs its width"));
    assert!(message(architecture(Kind::Resnet, 18, Some(2), 32)).contains("width"));
    for (depth, width) in [(28, usize::MAX), (28, 1 << 20), (usize::MAX / 6 * 6 - 2, 1), (28, 400)] {
        let m = message(wide(depth, width));
        assert!(m.contains("weights") || m.contains("depth"), "{m}");
    }
}

#[test]
fn parses_as_in_a_pipeline() {
    let json = r#"{"kind": "wide-resnet", "depth": 22, "width": 8, "classes": 10, "input": [3, 32, 32]}"#;
    assert_eq!(serde_json::from_str::<Architecture>(json).unwrap(), wide(22, 8));
    let json = r#"{"kind": "resnet", "depth": 20, "classes": 10, "input": [3, 32, 32]}"#;
    let a: Architecture = serde_json::from_str(json).unwrap();
    assert_eq!(a, architecture(Kind::Resnet, 20, None, 32));
    assert!(!serde_json::to_string(&a).unwrap().contains("width"));
}
