/* exported init */ function init(Sng) {}
