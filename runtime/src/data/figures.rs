//! The ten figures of `shapes`, as signed distances: negative inside, positive outside, about 1 in radius.
//!
//! The polygons follow Inigo Quilez, <https://iquilezles.org/articles/distfunctions2d/>.

/// The class names, by label.
pub(super) const NAMES: [&str; 10] =
    ["disc", "square", "triangle", "ring", "cross", "star", "crescent", "rows", "columns", "checkerboard"];

/// How a figure may be turned without becoming another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// By any angle.
    Freely,
    /// By a few degrees: rows turned by a right angle are columns.
    Slightly,
}

/// How the figure `label` may be turned.
pub(super) fn turn(label: usize) -> Turn {
    if matches!(label, 7 | 8) { Turn::Slightly } else { Turn::Freely }
}

/// The signed distance from (`x`, `y`) to the figure `label`, below 10.
pub(super) fn distance(label: usize, x: f32, y: f32) -> f32 {
    match label {
        0 => length(x, y) - 0.9,
        1 => rectangle(x, y, 0.8, 0.8),
        2 => triangle(x, y),
        3 => (length(x, y) - 0.72).abs() - 0.2,
        4 => rectangle(x, y, 0.95, 0.28).min(rectangle(x, y, 0.28, 0.95)),
        5 => star(x, y),
        6 => (length(x, y) - 0.95).max(0.75 - length(x - 0.42, y)),
        7 => rectangle(x, y, 0.9, 0.9).max(stripes(y)),
        8 => rectangle(x, y, 0.9, 0.9).max(stripes(x)),
        _ => {
            let (a, b) = (stripes(x + 0.15), stripes(y + 0.15));
            rectangle(x, y, 0.9, 0.9).max(a.min(b).max(-a.max(b)))
        }
    }
}

fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// Half sides `a` and `b`.
fn rectangle(x: f32, y: f32, a: f32, b: f32) -> f32 {
    let (dx, dy) = (x.abs() - a, y.abs() - b);
    length(dx.max(0.0), dy.max(0.0)) + dx.max(dy).min(0.0)
}

/// Endless stripes across `x`, three in −0.9…0.9.
fn stripes(x: f32) -> f32 {
    let period = 0.72;
    let phase = x / period;
    ((phase - (phase + 0.5).floor()).abs() - 0.25) * period
}

/// Equilateral, pointing up.
fn triangle(x: f32, y: f32) -> f32 {
    let (r, k) = (0.85, 1.732_050_8);
    let (mut px, mut py) = (x.abs() - r, y + r / k);
    if px + k * py > 0.0 {
        (px, py) = ((px - k * py) / 2.0, (-k * px - py) / 2.0);
    }
    px -= px.clamp(-2.0 * r, 0.0);
    -length(px, py) * py.signum()
}

/// Five points.
fn star(x: f32, y: f32) -> f32 {
    let (kx, ky) = (0.809_017, -0.587_785_25);
    let (mut px, mut py) = (x.abs(), y);
    for side in [1.0, -1.0] {
        let fold = 2.0 * (side * kx * px + ky * py).max(0.0);
        (px, py) = (px - fold * side * kx, py - fold * ky);
    }
    (px, py) = (px.abs(), py - 1.05);
    let (bx, by) = (0.45 * -ky, 0.45 * kx - 1.0);
    let h = ((px * bx + py * by) / (bx * bx + by * by)).clamp(0.0, 1.05);
    length(px - bx * h, py - by * h) * (py * bx - px * by).signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_inside_the_unit_square_and_cover_some_of_it() {
        for (label, name) in NAMES.iter().enumerate() {
            let mut inside = 0;
            for i in -60..=60 {
                for j in -60..=60 {
                    let (x, y) = (i as f32 / 40.0, j as f32 / 40.0);
                    let d = distance(label, x, y);
                    assert!(d.is_finite());
                    if d < 0.0 {
                        inside += 1;
                        assert!(x.abs() < 1.11 && y.abs() < 1.11, "{name} at {x}, {y}");
                    }
                }
            }
            assert!((900..5000).contains(&inside), "{name} covers {inside}");
        }
    }

    #[test]
    fn rows_turned_are_columns() {
        assert_eq!(distance(7, 0.3, 0.1), distance(8, 0.1, 0.3));
    }
}
