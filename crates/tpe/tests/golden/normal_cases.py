"""Exact values of the normal distribution."""
import math

from mpmath import erfc, log, mp, mpf, npdf, sqrt


def cdf(z):
    return erfc(-mpf(z) / sqrt(2)) / 2


# Enough that something is left of a number near 1 after the subtraction of another.
mp.dps = 1200


def mass(a, b):
    return cdf(-a) - cdf(-b) if a > 0 else cdf(b) - cdf(a)


def truncated(mu, sigma, low, high):
    """Mean and deviation of a normal distribution that is cut to an interval."""
    a, b = (mpf(low) - mu) / sigma, (mpf(high) - mu) / sigma
    m, pa, pb = mass(a, b), npdf(a), npdf(b)
    mean = mu + sigma * (pa - pb) / m
    variance = sigma**2 * (1 + (a * pa - b * pb) / m - ((pa - pb) / m) ** 2)
    return {"mu": mu, "sigma": sigma, "low": low, "high": high, "mean": float(mean), "deviation": float(sqrt(variance))}


def files():
    places = [0.0, 1e-10, 0.3, 1.0, 2.5, 5.9, 6.1, 8.0, 19.9, 20.1, 30.0, 38.0, 40.0]
    places = sorted({sign * z for z in places for sign in (1, -1)})
    log_places = places + [-1e3, -1e8]
    intervals = [(a, a + w) for a in [-40.0, -30.0, -19.99, -6.0, -3.0, -1.0, 0.0, 0.5, 4.0, 25.0, 39.0]
                 for w in [1e-9, 1e-5, 9e-4, 0.02, 1.0, 10.0]]
    intervals += [(-1e-9, 1e-9), (-1e-6, 3e-6), (-0.01, 0.02), (-0.3, 0.2), (-0.7, 0.9), (-9.0, 10.0), (-40.0, 40.0)]
    intervals += [(-math.inf, 1.0), (2.0, math.inf), (-math.inf, -35.0)]
    quantiles = [1e-300, 1e-20, 1e-5, 0.1, 0.5, 0.75, 0.999]
    return {"normal": {
        "cdf": [(z, float(cdf(z))) for z in places],
        "log_cdf": [(z, float(log(cdf(z)))) for z in log_places],
        "log_mass": [(a, b, float(log(mass(mpf(a), mpf(b))))) for a, b in intervals],
        "quantile": [(p, float(mp.findroot(lambda z: log(cdf(z)) - log(mpf(p)), -sqrt(-2 * log(mpf(p)))
                      if p < 0.4 else mpf(p) - 0.5))) for p in quantiles],
        "truncated": [truncated(*case) for case in
                      [(0.0, 1.0, -1.0, 2.0), (0.2, 1.0, 0.0, 1.0), (3.0, 0.5, 0.0, 1.0), (-2.0, 0.1, 1.0, 2.0),
                       (0.0, 1.0, 38.0, 40.0), (0.0, 2.0, -90.0, -70.0)]],
    }}
