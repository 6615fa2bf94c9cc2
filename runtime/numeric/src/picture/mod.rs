//! JPEG and PNG files as planes of R, G and B.

mod resize;
#[doc(hidden)]
pub mod samples;

pub use resize::central_square;

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Wider or higher images are refused: their pixels would not be believed from a few bytes of a damaged header.
const MOST: usize = 8192;

const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG_MAGIC: &[u8] = b"\xff\xd8\xff";

/// One decoded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 3×H×W: the planes R, G, B, row by row.
    pub planes: Vec<u8>,
}

impl Picture {
    /// Decodes a JPEG or PNG file, told apart by its first bytes.
    ///
    /// Grey images get three equal planes, transparency is dropped, 16-bit samples keep their upper byte, and the
    /// orientation that a camera noted is not applied. The pixels are the same on every machine;
    /// those of a JPEG differ from libjpeg-turbo's by 0.3 of 255 levels on average and 5 at most on Tiny ImageNet.
    ///
    /// # Errors
    /// What the decoder found, or that the file is neither. A file that ends early is an error, not a half-grey image.
    pub fn decode(bytes: &[u8]) -> Result<Picture, String> {
        let (width, height, interleaved) = if bytes.starts_with(PNG_MAGIC) {
            decode_png(bytes)?
        } else if bytes.starts_with(JPEG_MAGIC) {
            decode_jpeg(bytes)?
        } else if bytes.is_empty() {
            return Err("it is empty".to_owned());
        } else {
            return Err("it is neither a PNG nor a JPEG file".to_owned());
        };
        Ok(Picture { height, width, planes: planes(&interleaved, 3) })
    }
}

/// The first three channels of H×W×`channels` as 3×H×W.
pub fn planes(interleaved: &[u8], channels: usize) -> Vec<u8> {
    (0..3).flat_map(|c| interleaved.iter().skip(c).step_by(channels.max(1)).copied()).collect()
}

/// Images C×H×W, one after the other, as H×W×C.
pub fn interleaved(images: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let area = height * width;
    let mut out = vec![0.0; images.len()];
    let image = (channels * area).max(1);
    for (out, planes) in out.chunks_exact_mut(image).zip(images.chunks_exact(image)) {
        for (c, plane) in planes.chunks_exact(area).enumerate() {
            out[c..].iter_mut().step_by(channels).zip(plane).for_each(|(o, v)| *o = *v);
        }
    }
    out
}

/// Width, height and H×W×3.
fn decode_jpeg(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), String> {
    // A decoder may fill a few missing bytes with zeros; but only the end of the image stands after its last scan.
    let last = |marker: u8| bytes.windows(2).rposition(|w| w == [0xff, marker]);
    if last(0xd9) < last(0xda) {
        return Err("it ends before its image does".to_owned());
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MOST)
        .set_max_height(MOST)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    let pixels = decoder.decode().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    if pixels.len() != width * height * 3 {
        return Err("its colours are of an unknown kind".to_owned());
    }
    Ok((width, height, pixels))
}

/// Width, height and H×W×3.
fn decode_png(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), String> {
    let limits = png::Limits { bytes: 4 * MOST * MOST };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width > MOST || height > MOST {
        return Err(format!("its size of {width}×{height} is above {MOST}×{MOST}"));
    }
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("its size cannot be counted")?];
    reader.next_frame(&mut pixels).map_err(|e| e.to_string())?;
    reader.finish().map_err(|e| e.to_string())?;
    let channels = reader.output_color_type().0.samples();
    let rgb = match channels {
        1 | 2 => pixels.chunks_exact(channels).flat_map(|p| [p[0]; 3]).collect(),
        _ => pixels.chunks_exact(channels).flat_map(|p| [p[0], p[1], p[2]]).collect(),
    };
    Ok((width, height, rgb))
}

#[cfg(test)]
mod tests;
