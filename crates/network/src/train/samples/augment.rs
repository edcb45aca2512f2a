//! More images from few: each shifted by some pixels, with zeros where nothing comes in.

use phaseloom_files::{hex, require_memory};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{Batch, Dataset, Truth};
use crate::error::{NetworkError, Result};

/// Maximum shift (pixels).
const MAX_SHIFT: usize = 8;

/// How training images are multiplied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AugmentSpec {
    /// Maximum shift along each axis (pixels): the (2·shift + 1)² − 1 shifted copies of every image follow the images. Range: 1…8.
    pub shift: usize,
    /// Height and width of an image. Default: those of the data, if their file has images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<[usize; 2]>,
}

impl AugmentSpec {
    /// The images and all their shifted copies.
    ///
    /// # Errors
    ///
    /// A shift out of range; data that are no images of the shape.
    pub(in crate::train) fn apply(&self, data: &Dataset) -> Result<Dataset> {
        let path = &data.inputs_path;
        if !(1..=MAX_SHIFT).contains(&self.shift) {
            return Err(NetworkError::choice(path, "augment.shift", self.shift, format!("1 to {MAX_SHIFT} pixels")));
        }
        let own = if let [height, width] = data.sample_shape[..] { Some([height, width]) } else { None };
        let Some([height, width]) = self.shape.or(own) else {
            let found = format!("samples of the shape {:?}", data.sample_shape);
            return Err(NetworkError::choice(path, "augment.shape", found, "`shape = [height, width]` of an image"));
        };
        let inputs = data.inputs.to_batch();
        if height.checked_mul(width) != Some(inputs.nrows()) {
            let found = format!("{height}×{width} for {} features", inputs.nrows());
            return Err(NetworkError::choice(path, "augment.shape", found, "a height and width with that product"));
        }
        let shift = self.shift as isize;
        let mut shifts: Vec<(isize, isize)> =
            (-shift..=shift).flat_map(|down| (-shift..=shift).map(move |right| (down, right))).collect();
        // The images as they are come first: they calibrate the converters.
        shifts.sort_by_key(|shift| *shift != (0, 0));
        let samples = inputs.ncols();
        require_memory(8.0 * (inputs.len() * shifts.len()) as f64, "the shifted copies of the training images")?;
        let values = Batch::from_fn(inputs.nrows(), shifts.len() * samples, |pixel, column| {
            let (down, right) = shifts[column / samples];
            let from = |at: usize, by: isize, size: usize| at.checked_add_signed(-by).filter(|at| *at < size);
            let source = from(pixel / width, down, height).zip(from(pixel % width, right, width));
            source.map_or(0.0, |(row, column_of)| inputs[(row * width + column_of, column % samples)])
        });
        let labels = data.labels().repeat(shifts.len());
        let sha256 = hex(&Sha256::digest(format!("{} {self:?}", data.sha256)));
        Ok(Dataset { inputs: values.into(), truth: Truth::Labels(labels), sha256, ..data.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataSpec;

    /// One image of 2×3 pixels, shifted by hand.
    #[test]
    fn shifted_images_follow_with_zeros_at_their_edges() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "1,2,3,4,5,6,7\n").unwrap();
        let data = toml::from_str::<DataSpec>("inputs = 'a.csv'").unwrap().load(folder.path()).unwrap();
        let augment: AugmentSpec = toml::from_str("shift = 1\nshape = [2, 3]").unwrap();
        let images = augment.apply(&data).unwrap();
        assert_eq!((images.samples(), images.labels()), (9, &[7; 9][..]));
        let all = images.inputs.to_batch();
        let image = |index: usize| all.column(index).iter().map(|x| *x as i32).collect::<Vec<_>>();
        assert_eq!(image(0), [1, 2, 3, 4, 5, 6]);
        // Up and left; down and right.
        assert_eq!(image(1), [5, 6, 0, 0, 0, 0]);
        assert_eq!(image(8), [0, 0, 0, 0, 1, 2]);
        for (toml, key) in
            [("shift = 0", "augment.shift"), ("shift = 1", "augment.shape"), ("shift = 1\nshape = [2, 2]", "2×2")]
        {
            let error = toml::from_str::<AugmentSpec>(toml).unwrap().apply(&data).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
