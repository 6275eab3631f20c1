"""The sample images and the program that renders them."""
