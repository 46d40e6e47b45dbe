"""Say where things are: district, terrain, water, trees and weather."""
