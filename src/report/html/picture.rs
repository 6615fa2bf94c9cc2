//! The masks as small pictures.

use super::super::figures::{count, percent};
use super::super::model::{Mask, Report};
use super::{esc, section};

/// Dark to bright, read well on light and dark paper: (red, green, blue) at 0, ¼, ½, ¾ and 1.
const STOPS: [[f32; 3]; 5] = [
    [27.0, 31.0, 59.0],
    [21.0, 86.0, 116.0],
    [20.0, 146.0, 134.0],
    [126.0, 200.0, 98.0],
    [250.0, 229.0, 60.0],
];

/// One picture a layer.
pub(super) fn gallery(r: &Report) -> String {
    let shots: String = r.masks.iter().map(shot).collect();
    let zero =
        if r.masks.iter().any(|m| m.zero > 0) { " Elements set to zero count as removed." } else { "" };
    let lead = format!(
        "Each picture is one layer’s positions: dark where no channel keeps its ReLU, bright where the largest share \
         of channels does (printed below it). The strip is the same by channel. Masks are public.{zero}"
    );
    section("masks", "Which ReLUs were kept", &lead, &format!("<div class=\"shots\">{shots}</div>"))
}

fn shot(m: &Mask) -> String {
    let [c, h, w] = m.shape;
    let layer = esc(&m.layer);
    let total = (c * h * w) as u64;
    let kept = format!("{} of {} ReLUs kept ({})", count(m.kept), count(total), percent(m.kept, total));
    let largest = |v: &[f32]| v.iter().copied().fold(0.0f32, f32::max);
    let flat: Vec<f32> = m.share.iter().flatten().copied().collect();
    let top = largest(&flat);
    let point = h == 1 && w == 1;
    let mut images = String::new();
    if !point && flat.len() == h * w {
        let alt = format!("{layer}: share of channels kept at each of {h} by {w} positions, {kept}");
        images += &img("map", &alt, &flat, w, h, top);
    }
    if m.channels.len() == c && c > 0 {
        let class = if point { "strip tall" } else { "strip" };
        let alt = format!("{layer}: share kept in each of {c} channels");
        images += &img(class, &alt, &m.channels, c, 1, largest(&m.channels));
    }
    let shape = if point { c.to_string() } else { format!("{c}×{h}×{w}") };
    let peak =
        if point || m.kept == 0 { String::new() } else { format!("<br>brightest {:.0} %", top * 100.0) };
    let quadratic = match m.quadratic {
        0 => String::new(),
        n => format!("<br>{} quadratic", percent(n, total)),
    };
    format!(
        "<figure>{images}<figcaption><b>{layer}</b> {shape}<br>{} kept{peak}{quadratic}</figcaption></figure>",
        percent(m.kept, total)
    )
}

fn img(class: &str, alt: &str, values: &[f32], width: usize, height: usize, top: f32) -> String {
    let Some(data) = png(values, width, height, top) else { return String::new() };
    let ratio =
        if class == "map" { format!(" style=\"aspect-ratio:{width}/{height}\"") } else { String::new() };
    format!(
        "<img class=\"{class}\"{ratio} width=\"{width}\" height=\"{height}\" alt=\"{alt}\" \
         src=\"data:image/png;base64,{}\">",
        base64(&data)
    )
}

/// An indexed PNG of values from 0 to `top`; `None` when the sizes do not fit.
fn png(values: &[f32], width: usize, height: usize, top: f32) -> Option<Vec<u8>> {
    let scale = if top > 0.0 { 255.0 / top } else { 0.0 };
    let pixels: Vec<u8> =
        values.iter().map(|v| (v.clamp(0.0, 1.0) * scale).round().min(255.0) as u8).collect();
    let mut out = vec![];
    let mut e = png::Encoder::new(&mut out, width.try_into().ok()?, height.try_into().ok()?);
    e.set_color(png::ColorType::Indexed);
    e.set_depth(png::BitDepth::Eight);
    e.set_palette((0..=255u8).flat_map(colour).collect::<Vec<u8>>());
    e.set_compression(png::Compression::High);
    let mut w = e.write_header().ok()?;
    w.write_image_data(&pixels).ok()?;
    w.finish().ok()?;
    Some(out)
}

fn colour(v: u8) -> [u8; 3] {
    let x = f32::from(v) / 255.0 * (STOPS.len() - 1) as f32;
    let i = (x as usize).min(STOPS.len() - 2);
    let t = x - i as f32;
    std::array::from_fn(|k| (STOPS[i][k] + t * (STOPS[i + 1][k] - STOPS[i][k])).round() as u8)
}

fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn pictures_decode_to_their_size() {
        let data = png(&[0.0, 0.5, 1.0, 0.25, 0.0, 0.0], 3, 2, 1.0).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(data)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (3, 2));
    }

    #[test]
    fn colours_run_from_dark_to_bright() {
        assert_eq!(colour(0), [27, 31, 59]);
        assert_eq!(colour(255), [250, 229, 60]);
    }
}
