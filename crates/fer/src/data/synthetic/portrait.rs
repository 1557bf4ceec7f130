//! One face: a random person with a given expression, drawn on a canvas.

use super::canvas::{Canvas, Pose};
use super::dice::Dice;
use super::expression::Expression;
use super::shape::{Point, arc, ellipse, point, smoothstep};

/// What makes one person differ from another; lengths in face units, tones in 0..1.
struct Person {
    skin: f32,
    hair: f32,
    iris: f32,
    /// Half the width of the head.
    width: f32,
    /// How much the head narrows towards the chin.
    taper: f32,
    /// Height of the hairline (negative: above the centre).
    hairline: f32,
    hair_style: HairStyle,
    /// Distance of an eye from the middle.
    eye_x: f32,
    eye_y: f32,
    /// Half the width of an eye.
    eye_width: f32,
    brow_width: f32,
    brow_bulge: f32,
    nose_y: f32,
    mouth_y: f32,
    lip: f32,
    glasses: bool,
    beard: f32,
}

#[derive(Clone, Copy, PartialEq)]
enum HairStyle {
    Bald,
    Short,
    Long,
}

impl Person {
    fn random(random: &mut Dice) -> Person {
        let skin = random.uniform(0.38, 0.85);
        let style = random.unit();
        let hair_style = match style {
            s if s < 0.12 => HairStyle::Bald,
            s if s < 0.62 => HairStyle::Short,
            _ => HairStyle::Long,
        };
        let beard = if hair_style != HairStyle::Long && random.chance(0.2) { random.unit() } else { 0.0 };
        Person {
            skin,
            hair: if random.chance(0.8) { skin * random.uniform(0.1, 0.5) } else { random.uniform(0.5, 0.9) },
            iris: random.uniform(0.03, 0.25),
            width: random.uniform(0.68, 0.84),
            taper: random.uniform(0.1, 0.32),
            hairline: random.uniform(-0.78, -0.6),
            hair_style,
            eye_x: random.uniform(0.31, 0.38),
            eye_y: random.uniform(-0.22, -0.12),
            eye_width: random.uniform(0.16, 0.2),
            brow_width: random.uniform(0.05, 0.1),
            brow_bulge: random.uniform(0.02, 0.07),
            nose_y: random.uniform(0.18, 0.26),
            mouth_y: random.uniform(0.52, 0.6),
            lip: random.uniform(0.5, 0.8),
            glasses: random.chance(0.12),
            beard,
        }
    }

    /// The outline of the head: an ellipse that narrows towards the chin, which `jaw` lowers.
    fn head(&self, p: Point, jaw: f32) -> f32 {
        let below = p.y.max(0.0);
        let narrow = 1.0 - self.taper * below * below;
        let height = if p.y > 0.0 { 1.0 + jaw } else { 1.0 };
        ellipse(point(p.x / narrow.max(0.5), p.y), point(0.0, 0.0), point(self.width, height))
    }
}

/// Draws one face of the given emotion: 48x48 bytes.
pub fn draw(label: u8, random: &mut Dice) -> Vec<u8> {
    let person = Person::random(random);
    let expression = Expression::of(label, random);
    let pose = Pose {
        half_tan: 0.06 * random.bell(),
        scale: random.uniform(18.0, 22.5),
        shift: point(1.6 * random.bell(), 1.6 * random.bell()),
    };
    let mut canvas = Canvas::new(&pose);
    background(&mut canvas, random);
    head(&mut canvas, &person, &expression);
    lines(&mut canvas, &person, &expression);
    for side in [-1.0, 1.0] {
        eye(&mut canvas, &person, &expression, side, random);
    }
    mouth(&mut canvas, &person, &expression, random);
    if person.glasses {
        glasses(&mut canvas, &person);
    }
    light(&mut canvas, random);
    occlude(&mut canvas, random);
    let (blur, noise) = (random.uniform(0.0, 0.7), random.uniform(0.01, 0.03));
    canvas.develop(blur, noise, random)
}

/// Two tones that run into each other, and shoulders.
fn background(canvas: &mut Canvas, random: &mut Dice) {
    let (near, far) = (random.uniform(0.05, 0.95), random.uniform(0.05, 0.95));
    let direction = point(random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0));
    canvas.map(|_, p| near + (far - near) * smoothstep(-1.2, 1.2, p.dot(direction)));
    let cloth = random.uniform(0.05, 0.9);
    canvas.fill(cloth, |p| ellipse(p, point(0.0, 1.75), point(1.25, 0.7)));
}

/// Neck, hair, ears, head, beard, nose.
fn head(canvas: &mut Canvas, person: &Person, expression: &Expression) {
    let jaw = 0.35 * expression.mouth_open;
    let (skin, hair) = (person.skin, person.hair);
    if person.hair_style == HairStyle::Long {
        let radius = point(person.width + 0.2, 1.25);
        canvas.fill(hair, |p| ellipse(p, point(0.0, 0.1), radius));
    }
    canvas.fill(skin * 0.75, |p| (p.x.abs() - 0.36).max(0.5 - p.y).max(p.y - 1.5));
    if person.hair_style != HairStyle::Bald {
        let radius = point(person.width + 0.07, 0.95);
        canvas.fill(hair, |p| ellipse(p, point(0.0, -0.15), radius).max(p.y + 0.1));
    }
    for side in [-1.0, 1.0] {
        let ear = point(person.width, 0.0).on_side(side);
        canvas.fill(skin * 0.85, |p| ellipse(p, ear, point(0.1, 0.2)));
    }
    canvas.fill(skin, |p| person.head(p, jaw));
    // Roundness: the skin darkens towards the outline.
    canvas.wash(skin * 0.72, 0.6, 0.25, |p| person.head(p, jaw).abs() - 0.06);
    if person.hair_style != HairStyle::Bald {
        let hairline = |p: Point| p.y - person.hairline - 0.45 * p.x * p.x;
        canvas.fill(hair, |p| person.head(p, 0.0).max(hairline(p)));
    }
    if person.beard > 0.0 {
        let chin = |p: Point| person.head(p, jaw).max(0.38 - p.y - 0.3 * p.x * p.x);
        canvas.wash(hair, 0.3 + 0.5 * person.beard, 0.12, chin);
    }
    let tip = point(0.0, person.nose_y);
    canvas.wash(skin * 1.12, 0.5, 0.1, |p| arc(point(0.0, -0.1), tip, 0.0).stroke(p, 0.08));
    canvas.wash(skin * 0.6, 0.6, 0.08, |p| ellipse(p, tip + point(0.0, 0.06), point(0.15, 0.035)));
    for side in [-1.0, 1.0] {
        let nostril = tip + point(0.075, 0.045).on_side(side);
        canvas.fill(skin * 0.35, |p| ellipse(p, nostril, point(0.04, 0.026)));
    }
}

/// The lines that an expression draws into the skin.
fn lines(canvas: &mut Canvas, person: &Person, expression: &Expression) {
    let dark = person.skin * 0.5;
    let mut line = |from: Point, to: Point, bulge: f32, depth: f32| {
        canvas.wash(dark, 0.8 * depth, 0.03, |p| arc(from, to, bulge).stroke(p, 0.035));
    };
    let brow = person.eye_y - 0.2;
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| point(x, y).on_side(side);
        line(at(0.07, brow - 0.05), at(0.055, brow + 0.13), 0.0, expression.frown_lines);
        line(at(0.03, person.eye_y + 0.04), at(0.14, person.eye_y + 0.12), 0.0, expression.nose_wrinkle);
        line(at(0.03, person.eye_y + 0.12), at(0.14, person.eye_y + 0.2), 0.0, expression.nose_wrinkle);
        let wing = at(0.17, person.nose_y + 0.02 - 0.05 * expression.nose_wrinkle);
        let corner = at(expression.mouth_width + 0.08, person.mouth_y - expression.corners);
        line(wing, corner, 0.05, expression.cheek_folds);
    }
    for row in [0.12, 0.22] {
        line(point(-0.35, brow - row), point(0.35, brow - row), 0.03, expression.forehead_lines);
    }
}

/// Brow, white, iris and lids of one eye; `side` is -1 or 1.
fn eye(canvas: &mut Canvas, person: &Person, expression: &Expression, side: f32, random: &mut Dice) {
    let Person { skin, eye_x, eye_y, eye_width, .. } = *person;
    let inner = point(eye_x - eye_width, eye_y + 0.015).on_side(side);
    let outer = point(eye_x + eye_width, eye_y - 0.01).on_side(side);
    let upper = 0.16 * expression.eye_open + 0.01;
    let lower = -0.07 * (0.4 + expression.eye_open) * (1.0 - expression.lower_lid);
    let opening = |p: Point| arc(inner, outer, upper).region(p, lower, 0.3);

    let centre = point(eye_x, eye_y).on_side(side);
    canvas.wash(skin * 0.7, 0.5, 0.15, |p| ellipse(p, centre, point(0.22, 0.16)));
    canvas.fill((skin + 0.3).min(0.97), opening);
    let gaze = centre + point(0.03 * random.bell(), -0.02);
    canvas.fill(person.iris, |p| ellipse(p, gaze, point(0.085, 0.085)).max(opening(p)));
    canvas.fill(skin * 0.25, |p| arc(inner, outer, upper).stroke(p, 0.045));
    canvas.wash(skin * 0.5, 0.6, 0.0, |p| arc(inner, outer, lower).stroke(p, 0.025));

    let brow = eye_y - 0.22;
    let nearer = 0.06 * (-expression.brow_inner / 0.17).max(0.0);
    let from = point(eye_x - 0.19 - nearer, brow - expression.brow_inner).on_side(side);
    let to = point(eye_x + 0.21, brow + 0.02 - expression.brow_outer).on_side(side);
    let tone = person.hair.min(skin * 0.55);
    canvas.fill(tone, |p| arc(from, to, person.brow_bulge).stroke(p, person.brow_width));
}

/// Below this height a mouth is drawn closed: the gap would be narrower than a pixel.
const OPEN: f32 = 0.06;

/// Lips, and what shows between them.
fn mouth(canvas: &mut Canvas, person: &Person, expression: &Expression, random: &mut Dice) {
    let Expression { corners, mouth_open: open, mouth_width: width, mouth_square: square, .. } = *expression;
    let skin = person.skin;
    let sneer = if random.chance(0.5) { expression.sneer } else { -expression.sneer };
    let left = point(-width, person.mouth_y - corners - sneer.max(0.0));
    let right = point(width, person.mouth_y - corners - (-sneer).max(0.0));
    // The middle of the lips stays near mouth_y while the corners move; an open mouth drops the jaw.
    let upper = -corners + 0.25 * open;
    let lower = -corners - 0.75 * open;

    let lips = |p: Point| arc(left, right, upper + 0.05).region(p, lower - 0.07, square);
    canvas.wash(skin * person.lip, 0.85, 0.03, lips);
    let inside = |p: Point| arc(left, right, upper).region(p, lower, square);
    if open > OPEN {
        canvas.fill(skin * 0.2, inside);
        if expression.teeth > 0.0 {
            let edge = upper - open * expression.teeth;
            canvas.fill(0.9, |p| arc(left, right, upper).region(p, edge, square));
        }
    } else {
        canvas.fill(skin * 0.3, |p| arc(left, right, upper).stroke(p, 0.045));
    }
    for corner in [left, right] {
        canvas.wash(skin * 0.4, 0.6, 0.03, |p| ellipse(p, corner, point(0.035, 0.035)));
    }
}

/// Two rings, a bridge and temples.
fn glasses(canvas: &mut Canvas, person: &Person) {
    let bridge = point(0.12, person.eye_y);
    canvas.fill(0.1, |p| arc(bridge.on_side(-1.0), bridge, 0.04).stroke(p, 0.04));
    for side in [-1.0, 1.0] {
        let centre = point(person.eye_x, person.eye_y + 0.03).on_side(side);
        canvas.fill(0.1, |p| ellipse(p, centre, point(0.25, 0.22)).abs() - 0.02);
        let (hinge, ear) = (centre + point(0.25 * side, -0.05), point(person.width * side, -0.1));
        canvas.fill(0.1, |p| arc(hinge, ear, 0.0).stroke(p, 0.04));
    }
}

/// A light from one side, and the exposure of the whole picture.
fn light(canvas: &mut Canvas, random: &mut Dice) {
    let direction = point(random.uniform(-0.4, 0.4), random.uniform(-0.4, 0.25));
    let contrast = random.uniform(0.75, 1.1);
    let brightness = random.uniform(-0.15, 0.15);
    canvas.map(|tone, p| {
        let lit = tone * (1.0 + p.dot(direction)).clamp(0.3, 1.7);
        0.5 + contrast * (lit - 0.5) + brightness
    });
}

/// Sometimes a finger, a microphone or a strand of hair gets into the picture.
fn occlude(canvas: &mut Canvas, random: &mut Dice) {
    if random.chance(0.15) {
        let from = point(random.uniform(-1.1, 1.1), random.uniform(-1.1, 1.1));
        let to = point(random.uniform(-1.1, 1.1), random.uniform(-1.1, 1.1));
        let (tone, width) = (random.uniform(0.1, 0.9), random.uniform(0.08, 0.25));
        let bulge = random.uniform(-0.2, 0.2);
        canvas.fill(tone, |p| arc(from, to, bulge).stroke(p, width));
    }
}
