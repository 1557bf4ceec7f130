//! Where each pixel of a transformed image comes from, and what is there.

use super::{FillMode, ImageShape, TransformParameters};

type Matrix = [[f64; 3]; 3];

/// The map from a place in the result to the place in the image that is seen there:
/// `(row, column) <- M·(row, column, 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine([[f64; 3]; 2]);

impl Affine {
    /// The map of a rotation, a shift, a shear, a zoom and a crop; `None` if it moves nothing.
    ///
    /// Keras's matrices act on `(x, y)` and are turned about the centre. Its centre is that of the transposed image,
    /// which matters where height and width differ.
    pub fn new(p: &TransformParameters, shape: ImageShape) -> Option<Self> {
        let moves =
            p.theta != 0.0 || p.tx != 0.0 || p.ty != 0.0 || p.shear != 0.0 || p.zx != 1.0 || p.zy != 1.0;
        if !moves && p.crop == [0, 0] {
            return None;
        }
        let (theta, shear) = (p.theta.to_radians(), p.shear.to_radians());
        let rotation = [[theta.cos(), -theta.sin(), 0.0], [theta.sin(), theta.cos(), 0.0], [0.0, 0.0, 1.0]];
        let shear = [[1.0, -shear.sin(), 0.0], [0.0, shear.cos(), 0.0], [0.0, 0.0, 1.0]];
        let zoom = [[p.zx, 0.0, 0.0], [0.0, p.zy, 0.0], [0.0, 0.0, 1.0]];
        let parts = [translation(p.tx, p.ty), shear, zoom];
        let map = parts.iter().fold(rotation, product);
        let (x, y) = (shape.height as f64 / 2.0 - 0.5, shape.width as f64 / 2.0 - 0.5);
        let map = product(product(translation(x, y), &map), &translation(-x, -y));
        // From (x, y) to (row, column): exchange the first two rows and columns.
        let [[xx, xy, x], [yx, yy, y], last] = map;
        let map = [[yy, yx, y], [xy, xx, x], last];
        let [rows, columns, _] = product(map, &translation(p.crop[0] as f64, p.crop[1] as f64));
        Some(Self([rows, columns]))
    }

    /// Writes to `out` what the map sees in `image`, interpolated between the four nearest pixels in `f64`.
    pub fn sample(&self, image: &[f32], shape: ImageShape, fill: FillMode, cval: f32, out: &mut [f32]) {
        // One loop for each mode, so that it is not chosen anew at every pixel.
        match fill {
            FillMode::Nearest => self.sample_with(image, shape, cval, out, nearest),
            FillMode::Constant => self.sample_with(image, shape, cval, out, constant),
            FillMode::Reflect => self.sample_with(image, shape, cval, out, reflect),
            FillMode::Wrap => self.sample_with(image, shape, cval, out, wrap),
        }
    }

    fn sample_with(
        &self,
        image: &[f32],
        shape: ImageShape,
        cval: f32,
        out: &mut [f32],
        neighbours: impl Fn(f64, usize) -> Option<Neighbours>,
    ) {
        // Grey images are the common case; a loop over one channel is none.
        if shape.channels == 1 {
            self.sample_rows(image, ImageShape { channels: 1, ..shape }, cval, out, neighbours);
        } else {
            self.sample_rows(image, shape, cval, out, neighbours);
        }
    }

    #[inline(always)]
    fn sample_rows(
        &self,
        image: &[f32],
        ImageShape { height, width, channels }: ImageShape,
        cval: f32,
        out: &mut [f32],
        neighbours: impl Fn(f64, usize) -> Option<Neighbours>,
    ) {
        let [[row_row, row_column, row_offset], [column_row, column_column, column_offset]] = self.0;
        let stride = width * channels;
        for (r, out_row) in out.chunks_exact_mut(stride).enumerate() {
            let (row_start, column_start) =
                (row_offset + r as f64 * row_row, column_offset + r as f64 * column_row);
            for (c, pixel) in (0i32..).zip(out_row.chunks_exact_mut(channels)) {
                let c = f64::from(c);
                let row = neighbours(row_start + c * row_column, height);
                let column = neighbours(column_start + c * column_column, width);
                let (Some(row), Some(column)) = (row, column) else {
                    pixel.fill(cval);
                    continue;
                };
                let (row_high, column_high) = (1.0 - row.low_share, 1.0 - column.low_share);
                let [above, below] = [row.low * stride, row.high * stride];
                let [left, right] = [column.low * channels, column.high * channels];
                for (k, value) in pixel.iter_mut().enumerate() {
                    // In this order, to round as SciPy does.
                    let mut sum = f64::from(image[above + left + k]) * row.low_share * column.low_share;
                    sum += f64::from(image[above + right + k]) * row.low_share * column_high;
                    sum += f64::from(image[below + left + k]) * row_high * column.low_share;
                    sum += f64::from(image[below + right + k]) * row_high * column_high;
                    *value = sum as f32;
                }
            }
        }
    }
}

fn translation(x: f64, y: f64) -> Matrix {
    [[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]]
}

fn product(a: Matrix, b: &Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]))
}

/// The two pixels of a line between which a place lies.
struct Neighbours {
    low: usize,
    high: usize,
    low_share: f64,
}

impl Neighbours {
    /// Of a place in `[0, len - 1]`.
    fn inside(place: f64, len: usize) -> Self {
        // Processors convert between `f64` and `i32` in one instruction.
        let low = place as i32;
        let low_share = 1.0 - (place - f64::from(low));
        Self { low: low as usize, high: (low as usize + 1).min(len - 1), low_share }
    }
}

fn nearest(place: f64, len: usize) -> Option<Neighbours> {
    Some(Neighbours::inside(place.clamp(0.0, (len - 1) as f64), len))
}

fn constant(place: f64, len: usize) -> Option<Neighbours> {
    (0.0..=(len - 1) as f64).contains(&place).then(|| Neighbours::inside(place, len))
}

fn wrap(place: f64, len: usize) -> Option<Neighbours> {
    let period = (len - 1) as f64;
    let place = if len == 1 {
        0.0
    } else if place < 0.0 {
        place + period * ((-place / period).trunc() + 1.0)
    } else if place > period {
        place - period * (place / period).trunc()
    } else {
        place
    };
    nearest(place, len)
}

/// The mirrors stand half a pixel outside the first and the last pixel.
fn reflect(place: f64, len: usize) -> Option<Neighbours> {
    let (size, period) = (len as f64, 2.0 * len as f64);
    let mut place = if place < -0.5 { -1.0 - place } else { place };
    if place > size - 0.5 {
        place %= period;
        place = place.min(period - 1.0 - place);
    }
    nearest(place, len)
}
