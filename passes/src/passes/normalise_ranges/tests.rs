//! Random residual networks under random ranges: the outputs stay the same to the last bit.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::driver::{self, Options};
use crate::interp::Interp;
use crate::ir::text::parse;
use crate::splitmix::SplitMix;
use std::fmt::Write;

/// A chain of convolutions, some with a bias, some added to an earlier value, and a linear layer.
fn network(d: &mut SplitMix) -> String {
    let mut s = String::from("graph random {\n  %x = input f32[N,3,5,5]\n");
    let mut last = "x".to_string();
    let mut earlier: Vec<String> = vec![];
    for i in 0..2 + d.next_u64() % 4 {
        let _ = writeln!(s, "  %w{i} = const f32[3,3,3,3] rand(seed={})", d.next_u64() % 99);
        let _ = writeln!(s, "  %b{i} = const f32[3] rand(seed={})", d.next_u64() % 99);
        let bias = if d.next_u64().is_multiple_of(2) { format!(", %b{i}") } else { String::new() };
        let _ = writeln!(s, "  %c{i} = conv(%{last}, %w{i}{bias}) {{pads=[1, 1, 1, 1]}}");
        last = format!("c{i}");
        if let (Some(e), true) = (earlier.last(), d.next_u64().is_multiple_of(2)) {
            let _ = writeln!(s, "  %s{i} = add(%{last}, %{e})");
            last = format!("s{i}");
        }
        let activation = if d.next_u64().is_multiple_of(3) {
            format!("mul(%{last}, %{last})")
        } else {
            format!("relu(%{last})")
        };
        let _ = writeln!(s, "  %r{i} = {activation}");
        last = format!("r{i}");
        earlier.push(last.clone());
    }
    let _ = writeln!(s, "  %m = global_mean(%{last}) {{keep=false}}\n  %v = const f32[4,3] rand(seed=7)");
    s + "  %y = linear(%m, %v)\n  output \"y\" = %y\n}\n"
}

#[test]
fn outputs_stay_the_same_to_the_last_bit_and_layers_meet_the_target() {
    let (mut d, mut tied) = (SplitMix::new(11), 0);
    for _ in 0..40 {
        let before = parse(&network(&mut d)).unwrap();
        let images = Tensor::f32([2, 3, 5, 5], (0..150).map(|_| 4.0 * d.uniform() - 2.0).collect());
        let measure = |g: &Graph| {
            let mut seen = BTreeMap::new();
            let see = &mut |id, t: &Tensor| {
                let m = t.as_f32().unwrap().iter().fold(0f32, |m, v| m.max(v.abs()));
                seen.insert(g.node(id).name.clone(), f64::from(m));
            };
            let y = Interp::new(g).unwrap().run_watched(vec![images.clone()], see).unwrap();
            (y, seen)
        };
        let target = (d.next_u64() % 17) as i32 - 8;
        let (want, seen) = measure(&before);
        let pass = NormaliseRanges(Some(Ranges::new(&before, seen, target)));
        let mut after = before.clone();
        assert!(driver::run(&pass, &mut after, &Options::default()).unwrap().applied <= 1);
        let (got, seen) = measure(&after);
        assert_eq!(got, want);
        let layers = Layers::of(&after, &Ranges::new(&after, seen, target));
        for id in after.ids().filter(|&id| is_linear(&after, id) && layers.pinned(id).is_none()) {
            let wants = layers.wants(id, target);
            tied += usize::from(layers.tied(id));
            assert!(if layers.tied(id) { wants <= 0 } else { wants == 0 }, "{}", after.node(id).name);
        }
        assert_eq!(driver::run(&pass, &mut after, &Options::default()).unwrap().applied, 0);
    }
    assert!(tied > 10, "{tied}");
}
