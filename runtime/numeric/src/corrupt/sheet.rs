//! A contact sheet: every corruption in every severity, to look at.

use super::{CorruptError, Corruption, Damage, SEVERITIES, check, corrupt, font};

/// Pixels between the cells.
const GAP: usize = 4;
/// How many pixels a dot of a letter has on a side.
const DOT: usize = 2;
const PAPER: u8 = 255;
const INK: u8 = 32;

/// Draws a row for each corruption: its name, an original, severities 1 to 5; every image enlarged `zoom`-fold.
///
/// `images` holds one or more images of `shape` (1 or 3 channels, height, width) one after the other; the rows take them by turns.
/// Returned are width and height of the sheet and its pixels R, G, B row by row.
///
/// # Errors
/// As [`corrupt`]; `images` must be at least one whole image.
pub fn contact_sheet(
    images: &[u8],
    shape: [usize; 3],
    zoom: usize,
    seed: u64,
) -> Result<(usize, usize, Vec<u8>), CorruptError> {
    let size = shape.iter().fold(1usize, |product, side| product.saturating_mul(*side));
    let count = (images.len() / size.max(1)).max(1);
    check(images, shape, 1, count)?;
    let zoom = zoom.max(1);
    let names = Corruption::ALL.map(|c| c.name().replace('_', " "));
    let margin = names.iter().map(|n| font::width(n) * DOT).max().unwrap_or(0) + 2 * GAP;
    let head = font::HEIGHT * DOT + 2 * GAP;
    let (cell_height, cell_width) = (shape[1] * zoom + GAP, shape[2] * zoom + GAP);
    let columns = usize::from(SEVERITIES) + 1;
    let mut sheet = Sheet::blank(margin + columns * cell_width, head + names.len() * cell_height);
    for column in 0..columns {
        let title = if column == 0 { "original".to_owned() } else { column.to_string() };
        sheet.write(&title, GAP, margin + column * cell_width);
    }
    for (row, corruption) in Corruption::ALL.into_iter().enumerate() {
        let top = head + row * cell_height;
        let chosen = row % count;
        let image = &images[chosen * size..(chosen + 1) * size];
        sheet.write(&names[row], top + (cell_height - font::HEIGHT * DOT) / 2, GAP);
        sheet.paste(image, shape, zoom, top, margin);
        for severity in 1..=SEVERITIES {
            let worse = corrupt(image, shape, Damage { corruption, severity, seed }, chosen as u64)?;
            sheet.paste(&worse, shape, zoom, top, margin + usize::from(severity) * cell_width);
        }
    }
    Ok((sheet.width, sheet.height, sheet.pixels))
}

struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn blank(width: usize, height: usize) -> Self {
        Sheet { width, height, pixels: vec![PAPER; width * height * 3] }
    }

    fn set(&mut self, y: usize, x: usize, colour: [u8; 3]) {
        let at = (y * self.width + x) * 3;
        self.pixels[at..at + 3].copy_from_slice(&colour);
    }

    fn paste(
        &mut self,
        image: &[u8],
        [channels, height, width]: [usize; 3],
        zoom: usize,
        top: usize,
        left: usize,
    ) {
        for y in 0..height * zoom {
            for x in 0..width * zoom {
                let at = y / zoom * width + x / zoom;
                self.set(top + y, left + x, [0, 1, 2].map(|c| image[c % channels * height * width + at]));
            }
        }
    }

    fn write(&mut self, text: &str, top: usize, left: usize) {
        let mut column = left;
        for letter in text.chars() {
            let rows = font::glyph(letter);
            for (i, row) in rows.iter().enumerate() {
                for (j, _) in row.bytes().enumerate().filter(|(_, dot)| *dot == b'#') {
                    for dot in 0..DOT * DOT {
                        self.set(top + i * DOT + dot / DOT, column + j * DOT + dot % DOT, [INK; 3]);
                    }
                }
            }
            column += (rows[0].len() + 1) * DOT;
        }
    }
}
