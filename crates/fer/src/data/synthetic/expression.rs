//! What each emotion does to the muscles of a face.
//!
//! The numbers follow the action units of Ekman and Friesen's Facial Action Coding System in spirit: inner
//! and outer brow, upper and lower lid, nose wrinkler, lip corners, lip stretch, jaw drop. Lengths are in
//! face units (the face is about two units tall).

use super::dice::Dice;

/// The state of the muscles: zero everywhere is a face at rest, except where said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Expression {
    /// Rise of the inner ends of the brows.
    pub brow_inner: f32,
    /// Rise of the outer ends of the brows.
    pub brow_outer: f32,
    /// Opening of the eyes; 0.5 at rest, 1 wide open.
    pub eye_open: f32,
    /// Rise of the lower lids, in 0..1.
    pub lower_lid: f32,
    /// Rise of the corners of the mouth (negative: they drop).
    pub corners: f32,
    /// Height of the open mouth.
    pub mouth_open: f32,
    /// Half the width of the mouth; 0.3 at rest.
    pub mouth_width: f32,
    /// How square the open mouth is, in 0..1.
    pub mouth_square: f32,
    /// Rise of one half of the upper lip.
    pub sneer: f32,
    /// Depth of the wrinkles on the nose, in 0..1.
    pub nose_wrinkle: f32,
    /// Depth of the vertical lines between the brows, in 0..1.
    pub frown_lines: f32,
    /// Depth of the lines across the forehead, in 0..1.
    pub forehead_lines: f32,
    /// Depth of the folds from the nose to the corners of the mouth, in 0..1.
    pub cheek_folds: f32,
    /// Share of the open mouth that shows teeth, in 0..1.
    pub teeth: f32,
}

impl Expression {
    const NEUTRAL: Expression = Expression {
        brow_inner: 0.0,
        brow_outer: 0.0,
        eye_open: 0.5,
        lower_lid: 0.0,
        corners: 0.0,
        mouth_open: 0.0,
        mouth_width: 0.3,
        mouth_square: 0.0,
        sneer: 0.0,
        nose_wrinkle: 0.0,
        frown_lines: 0.0,
        forehead_lines: 0.0,
        cheek_folds: 0.0,
        teeth: 0.0,
    };

    /// The expression of an emotion at full strength; several emotions have two variants, say a closed
    /// and an open smile, and one is chosen.
    fn full(label: u8, random: &mut Dice) -> Expression {
        let open = random.chance(0.5);
        let rest = Expression::NEUTRAL;
        match label {
            // Angry: brows down and together, hard eyes, lips pressed or baring the teeth.
            0 => Expression {
                brow_inner: -0.17,
                brow_outer: 0.05,
                eye_open: 0.42,
                lower_lid: 0.3,
                corners: -0.05,
                mouth_open: if open { 0.15 } else { 0.0 },
                mouth_width: if open { 0.34 } else { 0.27 },
                mouth_square: 1.0,
                frown_lines: 1.0,
                teeth: 0.9,
                ..rest
            },
            // Disgust: nose wrinkled, one half of the upper lip raised, eyes narrowed.
            1 => Expression {
                brow_inner: -0.08,
                brow_outer: -0.03,
                eye_open: 0.3,
                lower_lid: 0.5,
                corners: -0.06,
                mouth_open: if open { 0.1 } else { 0.0 },
                mouth_width: 0.29,
                sneer: 0.15,
                nose_wrinkle: 1.0,
                cheek_folds: 0.8,
                teeth: 0.8,
                ..rest
            },
            // Fear: brows up and level, wide eyes, the mouth stretched sideways.
            2 => Expression {
                brow_inner: 0.19,
                brow_outer: 0.02,
                eye_open: 0.9,
                corners: -0.06,
                mouth_open: if open { 0.17 } else { 0.09 },
                mouth_width: 0.42,
                mouth_square: 0.9,
                forehead_lines: 0.8,
                teeth: 0.9,
                ..rest
            },
            // Happy: corners up, cheeks up, often teeth.
            3 => Expression {
                brow_outer: 0.03,
                eye_open: 0.42,
                lower_lid: 0.8,
                corners: 0.17,
                mouth_open: if open { 0.17 } else { 0.0 },
                mouth_width: 0.43,
                cheek_folds: 0.9,
                teeth: 0.85,
                ..rest
            },
            // Sad: inner brows up, lids heavy, corners down.
            4 => Expression {
                brow_inner: 0.15,
                brow_outer: -0.1,
                eye_open: 0.33,
                corners: -0.16,
                mouth_width: 0.28,
                cheek_folds: 0.3,
                ..rest
            },
            // Surprise: everything up, jaw dropped.
            5 => Expression {
                brow_inner: 0.17,
                brow_outer: 0.18,
                eye_open: 1.0,
                mouth_open: if open { 0.42 } else { 0.28 },
                mouth_width: 0.2,
                mouth_square: 0.8,
                forehead_lines: 1.0,
                ..rest
            },
            _ => rest,
        }
    }

    /// One person's version of an emotion: of random strength, with a little of everything else.
    pub fn of(label: u8, random: &mut Dice) -> Expression {
        let full = Expression::full(label, random);
        let strength: f32 = random.uniform(0.75, 1.15);
        let rest = Expression::NEUTRAL;
        // From rest towards the full expression, plus a deviation of the given size.
        let mut blend =
            |rest: f32, full: f32, spread: f32| rest + strength * (full - rest) + spread * random.bell();
        Expression {
            brow_inner: blend(rest.brow_inner, full.brow_inner, 0.025),
            brow_outer: blend(rest.brow_outer, full.brow_outer, 0.025),
            eye_open: blend(rest.eye_open, full.eye_open, 0.06).clamp(0.12, 1.1),
            lower_lid: blend(rest.lower_lid, full.lower_lid, 0.1).clamp(0.0, 1.0),
            corners: blend(rest.corners, full.corners, 0.018),
            mouth_open: blend(rest.mouth_open, full.mouth_open, 0.015).max(0.0),
            mouth_width: blend(rest.mouth_width, full.mouth_width, 0.02).max(0.12),
            mouth_square: blend(rest.mouth_square, full.mouth_square, 0.1).clamp(0.0, 1.0),
            sneer: blend(rest.sneer, full.sneer, 0.01),
            nose_wrinkle: blend(rest.nose_wrinkle, full.nose_wrinkle, 0.1).clamp(0.0, 1.0),
            frown_lines: blend(rest.frown_lines, full.frown_lines, 0.15).clamp(0.0, 1.0),
            forehead_lines: blend(rest.forehead_lines, full.forehead_lines, 0.15).clamp(0.0, 1.0),
            cheek_folds: blend(rest.cheek_folds, full.cheek_folds, 0.15).clamp(0.0, 1.0),
            teeth: (strength * full.teeth).min(1.0),
        }
    }
}
