//! A 48x48 sheet on which shapes are painted one over the other.

use super::dice::Dice;
use super::shape::{Point, point};
use crate::data::{PIXELS, SIDE};

/// How a face lies on the sheet: rotated, scaled and shifted.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Tangent of half the rotation angle: the angle itself is never needed, see [`Pose::unproject`].
    pub half_tan: f32,
    /// Pixels per unit of face coordinates.
    pub scale: f32,
    /// Centre of the face relative to the centre of the sheet, in pixels.
    pub shift: Point,
}

impl Pose {
    /// The point of the face that is drawn at `p` (pixels from the centre of the sheet).
    ///
    /// With t = tan(a/2): cos a = (1 - t^2) / (1 + t^2), sin a = 2t / (1 + t^2).
    fn unproject(&self, p: Point) -> Point {
        let t = self.half_tan;
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let q = (p - self.shift) * (1.0 / self.scale);
        point(cos * q.x + sin * q.y, cos * q.y - sin * q.x)
    }
}

/// Grey tones in 0..1 and, for each pixel, where it lies in face coordinates.
pub struct Canvas {
    tones: Vec<f32>,
    places: Vec<Point>,
    /// Width of a pixel in face coordinates: the width of an anti-aliased edge.
    pixel: f32,
}

impl Canvas {
    /// A black sheet for a face in this pose.
    pub fn new(pose: &Pose) -> Self {
        let centre = (SIDE as f32 - 1.0) / 2.0;
        let place = |i| pose.unproject(point((i % SIDE) as f32 - centre, (i / SIDE) as f32 - centre));
        Self { tones: vec![0.0; PIXELS], places: (0..PIXELS).map(place).collect(), pixel: 1.0 / pose.scale }
    }

    /// Paints the inside of `distance` with `tone`.
    pub fn fill(&mut self, tone: f32, distance: impl Fn(Point) -> f32) {
        self.wash(tone, 1.0, 0.0, distance);
    }

    /// Paints the inside of `distance` with `tone` at `opacity` (0..1), the edge blurred over `blur`.
    pub fn wash(&mut self, tone: f32, opacity: f32, blur: f32, distance: impl Fn(Point) -> f32) {
        let edge = self.pixel + blur;
        for (old, &place) in self.tones.iter_mut().zip(&self.places) {
            let cover = opacity * (0.5 - distance(place) / edge).clamp(0.0, 1.0);
            *old += cover * (tone - *old);
        }
    }

    /// Replaces every tone: `change(tone, place)`.
    pub fn map(&mut self, change: impl Fn(f32, Point) -> f32) {
        for (tone, &place) in self.tones.iter_mut().zip(&self.places) {
            *tone = change(*tone, place);
        }
    }

    /// The picture as bytes, after a small blur (`blur` in 0..1 of a 1-2-1 kernel) and bell-shaped noise
    /// of standard deviation `noise`.
    pub fn develop(mut self, blur: f32, noise: f32, random: &mut Dice) -> Vec<u8> {
        self.soften(blur, 1);
        self.soften(blur, SIDE);
        let expose = |&tone: &f32| ((tone + noise * random.bell()).clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        self.tones.iter().map(expose).collect()
    }

    /// Mixes each pixel with its neighbours `step` apart; the first and last line stay as they are.
    fn soften(&mut self, amount: f32, step: usize) {
        let old = self.tones.clone();
        for i in 0..PIXELS {
            let line = i / step % SIDE;
            if line > 0 && line < SIDE - 1 {
                let mean = (old[i - step] + 2.0 * old[i] + old[i + step]) / 4.0;
                self.tones[i] += amount * (mean - old[i]);
            }
        }
    }
}
