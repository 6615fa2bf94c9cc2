//! Writes a data set as NumPy files: `export_data SPEC DIR`, such as `export_data shapes out/shapes`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use relinc_runtime::data::{DataError, DataSpec, export::export};

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [spec, dir] = args.as_slice() else {
        eprintln!("usage: export_data SPEC DIR");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let exported = spec.parse::<DataSpec>().and_then(|spec| export(&spec, Path::new(dir)));
    match exported {
        Ok(splits) => {
            for e in splits {
                println!("{}: {} images in {}", e.split, e.images, e.images_file.display());
            }
            println!("{:.2} s", start.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stderr)]
fn fail(error: &DataError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
