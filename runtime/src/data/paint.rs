//! Paints one image of `shapes`: a textured figure on a noisy background, partly hidden and a little blurred.

use super::figures::{Turn, distance, turn};
use crate::dice::{Dice, tilt};

/// Height and width in pixels.
pub(super) const SIDE: usize = 32;

type Rgb = [f32; 3];

/// Fills `image` (3×32×32, planes R, G, B) with the figure `label`, as the dice fall.
pub(super) fn paint(label: usize, dice: &mut Dice, image: &mut [u8]) {
    let background = Surface::draw(dice);
    let ink = Surface::contrasting(dice, &background);
    let pose = Pose::draw(dice, turn(label));
    let blur = dice.between(0.4, 1.2);
    let veils = [Veil::draw(dice, &pose, 0.7), Veil::draw(dice, &pose, 0.3)];
    let grain = dice.between(0.01, 0.12);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
            let (u, v) = pose.local(x, y);
            let covered = edge(distance(label, u, v) * pose.radius, blur);
            let mut colour = mix(background.at(x, y), ink.at(x, y), covered);
            for veil in veils.iter().flatten() {
                colour = mix(colour, veil.colour, edge(veil.distance(x, y), blur));
            }
            for (c, value) in colour.iter().enumerate() {
                let noisy = value + grain * dice.bell();
                image[(c * SIDE + row) * SIDE + column] = (noisy * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// How much of a pixel lies inside, for a signed distance and a softness in pixels.
fn edge(distance: f32, softness: f32) -> f32 {
    (0.5 - distance / (2.0 * softness)).clamp(0.0, 1.0)
}

fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share)
}

fn colour(dice: &mut Dice) -> Rgb {
    std::array::from_fn(|_| dice.between(0.05, 0.95))
}

/// Where a figure is, how large, turned and stretched.
struct Pose {
    x: f32,
    y: f32,
    /// In pixels.
    radius: f32,
    cos: f32,
    sin: f32,
    /// How much wider than high.
    stretch: f32,
}

impl Pose {
    fn draw(dice: &mut Dice, turn: Turn) -> Self {
        let side = SIDE as f32;
        let radius = dice.between(6.0, 12.0);
        let (cos, sin) = match turn {
            Turn::Freely => dice.direction(),
            Turn::Slightly => tilt(dice.between(-0.15, 0.15)),
        };
        Pose {
            x: dice.between(radius * 0.85, side - radius * 0.85),
            y: dice.between(radius * 0.85, side - radius * 0.85),
            radius,
            cos,
            sin,
            stretch: dice.between(0.82, 1.22),
        }
    }

    /// A pixel's place in the figure's own coordinates.
    fn local(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = ((x - self.x) / self.radius, (y - self.y) / self.radius);
        let (u, v) = (self.cos * dx + self.sin * dy, self.cos * dy - self.sin * dx);
        (u / self.stretch, v * self.stretch)
    }
}

/// A colour that changes across the image, with cloudy patches of another.
struct Surface {
    colour: Rgb,
    slope_x: Rgb,
    slope_y: Rgb,
    other: Rgb,
    /// How strongly the other colour shows at the nodes of a 6×6 lattice.
    clouds: [[f32; LATTICE]; LATTICE],
}

const LATTICE: usize = 6;

impl Surface {
    fn draw(dice: &mut Dice) -> Self {
        let base = colour(dice);
        let other = colour(dice);
        let slope = |dice: &mut Dice| std::array::from_fn(|_| dice.between(-0.2, 0.2));
        let strength = dice.between(0.1, 0.65);
        Surface {
            colour: base,
            slope_x: slope(dice),
            slope_y: slope(dice),
            other,
            clouds: std::array::from_fn(|_| std::array::from_fn(|_| strength * dice.between(0.0, 1.0))),
        }
    }

    /// A surface whose mean colour stands out from `ground`.
    fn contrasting(dice: &mut Dice, ground: &Surface) -> Self {
        let mut best = Surface::draw(dice);
        for _ in 0..8 {
            if best.contrast(ground) > 0.25 {
                break;
            }
            let next = Surface::draw(dice);
            if next.contrast(ground) > best.contrast(ground) {
                best = next;
            }
        }
        best
    }

    /// The largest difference of a channel between the mean colours.
    fn contrast(&self, ground: &Surface) -> f32 {
        let (a, b) = (self.mean(), ground.mean());
        (0..3).map(|c| (a[c] - b[c]).abs()).fold(0.0, f32::max)
    }

    fn mean(&self) -> Rgb {
        let clouds: f32 = self.clouds.iter().flatten().sum();
        mix(self.colour, self.other, clouds / (LATTICE * LATTICE) as f32)
    }

    fn at(&self, x: f32, y: f32) -> Rgb {
        let side = SIDE as f32;
        let (fx, fy) = (x / side, y / side);
        let lit = std::array::from_fn(|c| {
            self.colour[c] + self.slope_x[c] * (fx - 0.5) + self.slope_y[c] * (fy - 0.5)
        });
        mix(lit, self.other, self.cloud(fx, fy))
    }

    /// The lattice, bilinear between its nodes.
    fn cloud(&self, fx: f32, fy: f32) -> f32 {
        let last = LATTICE - 1;
        let (gx, gy) = (fx * last as f32, fy * last as f32);
        let (i, j) = ((gx as usize).min(last - 1), (gy as usize).min(last - 1));
        let (tx, ty) = (gx - i as f32, gy - j as f32);
        let row = |j: usize| self.clouds[j][i] * (1.0 - tx) + self.clouds[j][i + 1] * tx;
        row(j) * (1.0 - ty) + row(j + 1) * ty
    }
}

/// A blot of another colour which hides a piece of the figure.
struct Veil {
    x: f32,
    y: f32,
    /// In pixels.
    radius: f32,
    colour: Rgb,
}

impl Veil {
    /// A veil over the rim of the figure, with probability `p`.
    fn draw(dice: &mut Dice, pose: &Pose, p: f32) -> Option<Self> {
        let (dx, dy) = dice.direction();
        let away = pose.radius * dice.between(0.5, 1.3);
        let veil = Veil {
            x: pose.x + dx * away,
            y: pose.y + dy * away,
            radius: pose.radius * dice.between(0.25, 0.6),
            colour: colour(dice),
        };
        dice.chance(p).then_some(veil)
    }

    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        (dx * dx + dy * dy).sqrt() - self.radius
    }
}
