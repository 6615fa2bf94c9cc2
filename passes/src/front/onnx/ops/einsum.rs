//! Einsum of one operand or two, as sums, transposes and a matrix product.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::op::ReduceKind;
use crate::ir::{Dim, NodeId, Op};
use std::collections::HashMap;

/// A value whose axes are called by letters.
struct Lettered {
    node: NodeId,
    axes: Vec<char>,
}

/// Einsum.
pub fn einsum(c: &mut Ctx<'_>) -> Done {
    let equation: String = c.word("equation", "").split_whitespace().collect();
    let operands = c.all()?;
    let ranks = operands.iter().map(|&o| Ok(c.ty(o)?.rank())).collect::<Result<Vec<_>, Stop>>()?;
    let (terms, out) = letters(&equation, &ranks)?;
    let mut sizes: HashMap<char, Dim> = HashMap::new();
    let mut all = vec![];
    for (&node, axes) in operands.iter().zip(terms) {
        for (&letter, &dim) in axes.iter().zip(&c.ty(node)?.dims) {
            if *sizes.entry(letter).or_insert(dim) != dim {
                return Err(format!("its axes called {letter} in '{equation}' differ in size").into());
            }
        }
        all.push(Lettered { node, axes });
    }
    if let Some(unknown) = out.iter().find(|l| !sizes.contains_key(l)) {
        return Err(format!("makes an axis {unknown} that no operand of '{equation}' has").into());
    }
    let made = match <[Lettered; 2]>::try_from(all) {
        Ok(two) => product(c, two, &out, &sizes)?,
        Err(all) => match <[Lettered; 1]>::try_from(all) {
            Ok([one]) => summed(c, one, |l| out.contains(&l))?,
            Err(_) => {
                return Err(
                    format!("'{equation}' has more than two operands; write it as products of two").into()
                );
            }
        },
    };
    let perm = order(&made.axes, &out)?;
    c.emit(Op::Transpose(perm), &[made.node])
}

/// The letters of the operands and of the result; those of `...` are signs that no equation has.
fn letters(equation: &str, ranks: &[usize]) -> Result<(Vec<Vec<char>>, Vec<char>), Stop> {
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation, None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != ranks.len() {
        return Err(
            format!("'{equation}' is of {} operands, and there are {}", terms.len(), ranks.len()).into()
        );
    }
    let dots = |term: &str, rank: usize| rank.checked_sub(term.len() - 3);
    let wide = terms.iter().zip(ranks).filter(|(t, _)| t.contains("..."));
    let widths: Vec<usize> = wide.filter_map(|(t, &rank)| dots(t, rank)).collect();
    let width = widths.first().copied().unwrap_or(0);
    if widths.iter().any(|&w| w != width) {
        return Err(
            format!("its operands have different numbers of axes for the dots in '{equation}'").into()
        );
    }
    let rest: String = (0..width).filter_map(|i| char::from_digit(i as u32, 36)).collect();
    let spelled = |term: &str| -> Result<Vec<char>, Stop> {
        if term.replacen("...", "", 1).chars().any(|l| !l.is_ascii_alphabetic()) {
            return Err(format!("'{equation}' is no equation of letters").into());
        }
        let axes: Vec<char> = term.replacen("...", &rest, 1).chars().collect();
        match (1..axes.len()).any(|i| axes[..i].contains(&axes[i])) {
            true => Err(format!("takes a diagonal ('{term}' in '{equation}'); use Gather").into()),
            false => Ok(axes),
        }
    };
    let named = terms.iter().map(|t| spelled(t)).collect::<Result<Vec<_>, _>>()?;
    if named.iter().zip(ranks).any(|(axes, &rank)| axes.len() != rank) || width > 9 {
        return Err(format!("'{equation}' does not fit its operands").into());
    }
    let out = match right {
        Some(right) => spelled(right)?,
        None => {
            // Without a result it is what occurs once, in the order of the alphabet.
            let all: Vec<char> = named.iter().flatten().copied().collect();
            let once = |l: &char| l.is_ascii_digit() || all.iter().filter(|m| *m == l).count() == 1;
            let mut out: Vec<char> = all.iter().copied().filter(once).collect();
            out.sort_unstable();
            out.dedup();
            out
        }
    };
    Ok((named, out))
}

/// Sums over the axes that are not kept.
fn summed(c: &mut Ctx<'_>, x: Lettered, keep: impl Fn(char) -> bool) -> Result<Lettered, Stop> {
    let axes: Vec<usize> = (0..x.axes.len()).filter(|&i| !keep(x.axes[i])).collect();
    if axes.is_empty() {
        return Ok(x);
    }
    let node = c.helper(Op::Reduce { kind: ReduceKind::Sum, axes, keep: false }, &[x.node])?;
    Ok(Lettered { node, axes: x.axes.into_iter().filter(|&l| keep(l)).collect() })
}

/// Where the letters `to` are among `from`.
fn order(from: &[char], to: &[char]) -> Result<Vec<usize>, Stop> {
    let place = |l: &char| from.iter().position(|m| m == l);
    to.iter()
        .map(place)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| "has a result of other axes than its operands".into())
}

/// The matrix product of two values over the letters that both have and the result has not. Its rows are the axes of one operand, its
/// columns those of the other, and where both and the result have an axis there is a product for each place on it.
fn product(
    c: &mut Ctx<'_>,
    [l, r]: [Lettered; 2],
    out: &[char],
    sizes: &HashMap<char, Dim>,
) -> Result<Lettered, Stop> {
    let (of_l, of_r) = (l.axes.clone(), r.axes.clone());
    let l = summed(c, l, |a| out.contains(&a) || of_r.contains(&a))?;
    let r = summed(c, r, |a| out.contains(&a) || of_l.contains(&a))?;
    // The batch stays an axis of its own, which only the left operand's can.
    let batch = |x: &Lettered, y: &Lettered| {
        x.axes.iter().any(|a| sizes.get(a) == Some(&Dim::Batch) && !y.axes.contains(a))
    };
    let (l, r) = if batch(&r, &l) { (r, l) } else { (l, r) };
    let both: Vec<char> = l.axes.iter().copied().filter(|a| r.axes.contains(a) && out.contains(a)).collect();
    let over: Vec<char> = l.axes.iter().copied().filter(|a| r.axes.contains(a) && !out.contains(a)).collect();
    let rows: Vec<char> = l.axes.iter().copied().filter(|a| !r.axes.contains(a)).collect();
    let columns: Vec<char> = r.axes.iter().copied().filter(|a| !l.axes.contains(a)).collect();
    let dim = |a: &char| sizes.get(a).copied().unwrap_or(Dim::Fixed(1));
    let dims = |axes: &[char]| axes.iter().map(dim).collect::<Vec<_>>();
    let merged = |axes: &[char]| -> Result<Dim, Stop> {
        match axes {
            [one] => Ok(dim(one)),
            axes => {
                let all = axes.iter().map(|a| dim(a).fixed()).collect::<Option<Vec<_>>>();
                let all = all.ok_or("would join the batch with another axis")?;
                Ok(Dim::Fixed(all.iter().product()))
            }
        }
    };
    // Axes of a matrix product that are in both operands come first; without such the rows need not be one axis.
    let apart = both.is_empty() && !rows.is_empty();
    let mut left = dims(&both);
    if apart {
        left.extend(dims(&rows))
    } else {
        left.push(merged(&rows)?)
    }
    left.push(merged(&over)?);
    let mut right = dims(&both);
    right.extend([merged(&over)?, merged(&columns)?]);
    let x = laid_out(c, &l, &[&both[..], &rows, &over].concat(), left)?;
    let y = laid_out(c, &r, &[&both[..], &over, &columns].concat(), right)?;
    let made = c.helper(Op::MatMul, &[x, y])?;
    let axes = [both, rows, columns].concat();
    let node = c.helper(Op::Reshape(dims(&axes)), &[made])?;
    Ok(Lettered { node, axes })
}

/// A value with its axes in this order, under these dimensions.
fn laid_out(c: &mut Ctx<'_>, x: &Lettered, axes: &[char], dims: Vec<Dim>) -> Result<NodeId, Stop> {
    let perm = order(&x.axes, axes)?;
    let y = c.helper(Op::Transpose(perm), &[x.node])?;
    c.helper(Op::Reshape(dims), &[y])
}
