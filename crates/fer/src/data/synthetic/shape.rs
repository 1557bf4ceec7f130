//! Shapes as signed distances: negative inside, zero on the outline, positive outside.
//!
//! A shape is a function from a point to its distance, so union is `min`, intersection is `max`, and an
//! anti-aliased edge is a ramp of one pixel around zero. Only `+ - * /` and square roots are used: they
//! are exactly rounded on every machine, so a drawing has the same bits everywhere.
//!
//! Coordinates: the centre of the face is (0, 0), x grows to the right, y grows **down**, and the face is
//! about two units tall.

use std::ops::{Add, Mul, Sub};

/// A point or a vector of the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// The point (x, y).
pub fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    /// The dot product.
    pub fn dot(self, other: Point) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// The Euclidean length.
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Mirrored left to right when `side` is -1, unchanged when it is 1.
    pub fn on_side(self, side: f32) -> Point {
        point(side * self.x, self.y)
    }
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        point(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        point(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Point;
    fn mul(self, factor: f32) -> Point {
        point(self.x * factor, self.y * factor)
    }
}

/// 0 below `low`, 1 above `high`, and `3t^2 - 2t^3` between.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// An ellipse with half axes `radius`, exact on the outline and close to the distance near it.
pub fn ellipse(p: Point, centre: Point, radius: Point) -> f32 {
    let q = p - centre;
    // d = k0 (k0 - 1) / k1 with k0 = |q / r| and k1 = |q / r^2|: the first-order distance.
    let k0 = point(q.x / radius.x, q.y / radius.y).length();
    let k1 = point(q.x / (radius.x * radius.x), q.y / (radius.y * radius.y)).length();
    if k1 > 0.0 { k0 * (k0 - 1.0) / k1 } else { -radius.x.min(radius.y) }
}

/// A straight or bent line between two points: `bulge` is the height of its middle above the chord,
/// upwards (towards -y) when `from` lies left of `to`.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    /// One end.
    pub from: Point,
    /// The other end.
    pub to: Point,
    /// Height of the middle above the chord.
    pub bulge: f32,
}

/// The arc between `from` and `to`, always bending upwards for a positive `bulge`.
pub fn arc(from: Point, to: Point, bulge: f32) -> Arc {
    if from.x <= to.x { Arc { from, to, bulge } } else { Arc { from: to, to: from, bulge } }
}

impl Arc {
    /// A line of `width` along the arc, with round ends.
    pub fn stroke(self, p: Point, width: f32) -> f32 {
        let Chord { beyond, across, t, length } = self.chord(p);
        let height = 4.0 * self.bulge * t * (1.0 - t);
        let slope = 4.0 * self.bulge * (1.0 - 2.0 * t) / length;
        let away = across - height;
        (beyond * beyond + away * away / (1.0 + slope * slope)).sqrt() - width / 2.0
    }

    /// The region between two arcs over the same chord, that of `self` above and `lower` below.
    ///
    /// `square` in 0..1 turns the pointed parabola `1 - q^2` into the fuller `1 - q^4`.
    pub fn region(self, p: Point, lower: f32, square: f32) -> f32 {
        let Chord { beyond, across, t, length } = self.chord(p);
        let q = 2.0 * t - 1.0;
        let q2 = q * q;
        let profile = 1.0 - q2 * (1.0 - square + square * q2);
        let steepness = -(2.0 * q * (1.0 - square) + 4.0 * square * q * q2) * 2.0 / length;
        let edge = |bulge: f32| {
            let slope = bulge * steepness;
            (across - bulge * profile) / (1.0 + slope * slope).sqrt()
        };
        let inside = edge(self.bulge).max(-edge(lower));
        if beyond == 0.0 { inside } else { (beyond * beyond + across * across).sqrt() }
    }

    /// Where `p` lies relative to the chord.
    fn chord(self, p: Point) -> Chord {
        let chord = self.to - self.from;
        let length = chord.length().max(1e-3);
        let unit = chord * (1.0 / length);
        let q = p - self.from;
        let along = q.dot(unit);
        let nearest = along.clamp(0.0, length);
        Chord { beyond: along - nearest, across: q.dot(point(unit.y, -unit.x)), t: nearest / length, length }
    }
}

/// A point in the coordinates of a chord.
struct Chord {
    /// How far beyond the ends: exactly 0 between them.
    beyond: f32,
    /// Height above the chord.
    across: f32,
    /// Fraction of the chord, in 0..1.
    t: f32,
    /// Length of the chord.
    length: f32,
}
