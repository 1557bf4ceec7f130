//! The samples: an array, or images.

use std::path::{Path, PathBuf};

use anyhow::bail;
use fer::data::{Faces, image_file};
use nn_core::{Tensor, files, tensor};
use nn_lab::npy;

use super::source::{Loaded, by, check_sample};
use crate::cli::note;

/// What `--input` names.
pub enum Input {
    /// Samples along the first axis.
    Array(Tensor<f32>),
    /// PNG and JPEG files, a sample each.
    Images(Vec<PathBuf>),
}

impl Input {
    /// Reads an array, or sees that there are images.
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let arrays = paths.iter().map(|path| is_array(path)).collect::<anyhow::Result<Vec<_>>>()?;
        match (paths, arrays.iter().any(|&is_array| is_array)) {
            (_, false) => Ok(Self::Images(paths.into())),
            ([path], true) => {
                let x = npy::read(path)?;
                if x.ndim() < 2 || x.is_empty() {
                    bail!("{}: an array of shape {} holds no samples", path.display(), by(x.shape()));
                }
                Ok(Self::Array(x))
            }
            _ => bail!("--input takes one array, or images"),
        }
    }

    /// The shape of a sample, as far as it is known without the network.
    pub fn sample_shape(&self) -> Option<&[usize]> {
        match self {
            Self::Array(x) => Some(&x.shape()[1..]),
            Self::Images(_) => None,
        }
    }

    /// The samples as the network takes them. Images are prepared as the run did it that trained the network; without a
    /// run they are scaled to the size of its input, with values from 0 to 255.
    pub fn samples(self, loaded: &Loaded) -> anyhow::Result<Tensor<f32>> {
        let shape = loaded.network.input_shape();
        let paths = match self {
            Self::Array(x) => {
                check_sample(loaded.network.name(), loaded.network.input_shape(), &x.shape()[1..])?;
                return Ok(x);
            }
            Self::Images(paths) => paths,
        };
        if let Some(run) = &loaded.run {
            let mut faces = Faces::default();
            for path in &paths {
                faces.push(&image_file::read(path)?, 0);
            }
            let pipeline = run.pipeline(&loaded.network, false)?;
            let samples = pipeline.samples(&faces);
            let samples = pipeline.evaluation(&samples)?;
            let mut x = vec![0.0; faces.len() * shape.elements()];
            samples.batch(0, &(0..faces.len()).collect::<Vec<_>>(), &mut x);
            return Ok(tensor(&shape.batch(faces.len()), x));
        }
        let Some(size) = image_size(shape) else {
            bail!(
                "{} takes inputs of {}: an image becomes rows x columns x 1 or 3, give an array instead",
                loaded.network.name(),
                by(shape)
            );
        };
        let mut x = Vec::new();
        for path in &paths {
            x.extend(image_file::read_as(path, size)?.into_iter().map(f32::from));
        }
        note(&format!(
            "images scaled to {}, values 0 to 255: how the network was trained to see them is not known without its run",
            by(&size)
        ));
        Ok(tensor(&shape.batch(paths.len()), x))
    }
}

/// Rows, columns and channels of the image that an input is, also of a flat square one.
fn image_size(shape: &[usize]) -> Option<[usize; 3]> {
    match *shape {
        [height, width, channels @ (1 | 3)] => Some([height, width, channels]),
        [pixels] if pixels.isqrt().pow(2) == pixels => Some([pixels.isqrt(), pixels.isqrt(), 1]),
        _ => None,
    }
}

/// Whether a file is an array or an archive of such, or is called one.
fn is_array(path: &Path) -> anyhow::Result<bool> {
    let start = files::read_start(path, 6)?;
    Ok(npy::is_array(&start) || path.extension().is_some_and(|extension| extension == "npy"))
}
